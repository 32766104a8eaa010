"""The only code that writes files that are not Carryover's own: it plans, applies, records and undoes edits."""
