"""Kilo (Kilo Code CLI): a fork of opencode, with whose family it shares the database."""
