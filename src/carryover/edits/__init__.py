"""Hooks and entries in agents' settings, as text: how they get in, and out again with every other byte kept. Pure."""
