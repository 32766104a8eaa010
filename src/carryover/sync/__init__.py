"""Takes what was recorded to a person's other machines, encrypted, over a git remote of theirs.

`payload.py` defines what travels. Only `outgoing`, `incoming` and `rounds` know the ledger.
"""
