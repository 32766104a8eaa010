"""Turns events into digests and digests into the handoff. Pure."""
