"""Finds what to read on disk, and reads it into the ledger."""
