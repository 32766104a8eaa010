"""The ledger: the SQLite database of everything that was read from transcripts."""
