"""Goose: one database with the sessions of all projects."""
