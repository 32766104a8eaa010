"""Windsurf, called Devin Desktop since June 2026: its agent Cascade."""
