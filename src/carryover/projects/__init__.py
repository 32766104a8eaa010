"""A project: which folder it is, where it was before, where nothing may be written in it, and its handoff file."""
