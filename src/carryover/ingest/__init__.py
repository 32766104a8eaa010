"""Finds sources on disk and reads what is new in them into the ledger."""
