"""Views of the past for people: log, why, sessions, usage limits, and what an export is made of. Read-only."""
