"""Takes documents that a user names into the ledger: exported or copied transcripts, and those in another format."""
