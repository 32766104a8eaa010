"""Kimi Code: one file of JSON lines per agent of a session, beside a file with the facts about the session."""
