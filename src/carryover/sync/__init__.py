"""Takes what was recorded to a person's other machines, encrypted, over a git remote of theirs.

`payload.py` defines what travels. Nothing here knows the ledger, except for `ledger_side`, `rounds` and `clones`.
"""
