"""Cline and its relatives: each conversation in a folder, as JSON documents that are rewritten as it grows."""
