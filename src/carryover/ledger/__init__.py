"""The SQLite database of everything that was read."""
