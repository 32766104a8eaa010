"""Scribe: an agent that there is not. Its folder is all that Carryover has of it."""
