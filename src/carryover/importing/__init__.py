"""Takes documents that a user names into the ledger: exported or copied transcripts, whoever wrote them down."""
