"""Hermes Agent: one database per profile, with the sessions of all projects."""
