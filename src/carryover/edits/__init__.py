"""The only writer of files that are not Carryover's own: edits are planned, applied, recorded and undone here."""
