"""The `carryover` commands."""
