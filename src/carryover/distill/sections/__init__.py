"""One file per heading of the handoff: what stands under it, as entries with their weights."""
