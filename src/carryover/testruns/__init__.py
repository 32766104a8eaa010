"""Test runs: recognises them among shell commands, parses their output, and tells which files they cover."""
