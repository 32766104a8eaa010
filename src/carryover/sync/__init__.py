"""Takes what was recorded to a person's other machines, encrypted, through files in a git remote or a folder.

`payload.py` defines what travels. Only `outgoing`, `incoming` and `rounds` know the ledger.
"""
