"""Test runs: recognised among shell commands, read out of their output, and asked what they say of a file."""
