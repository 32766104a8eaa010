"""Carryover: a bounded, always fresh handoff between AI coding agents."""

__version__ = "0.1.0"
