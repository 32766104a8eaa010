"""The handoff's sections, one file per heading: each returns its entries with their weights."""
