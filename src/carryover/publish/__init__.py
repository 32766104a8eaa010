"""Makes a project's handoff and writes its files."""
