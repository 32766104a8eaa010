"""The ledger's side of sync: what is told of it, what is taken into it, and what of that a project may show."""
