"""Takes what was recorded to a person's other machines, encrypted, over a git remote of theirs.

`payload.py` is what travels and what the ledger's side must offer. Nothing else here knows the ledger, except for
`incoming`, `outgoing` and `clones`.
"""
