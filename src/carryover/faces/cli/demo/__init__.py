"""Demonstrates Carryover in a temporary folder: `make run`, or `python -m carryover.faces.cli.demo`."""
