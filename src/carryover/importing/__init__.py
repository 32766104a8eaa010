"""Imports documents that the user names: exported or copied transcripts, and those in another format."""
