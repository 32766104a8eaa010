"""Folds events into digests, and turns digests into the handoff. Pure."""
