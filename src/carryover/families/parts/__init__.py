"""One SQLite database of sessions, messages and their parts, for all projects: opencode (1.2 and later) and Kilo."""
