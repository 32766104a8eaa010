"""Gemini CLI: its transcripts, its hooks, and how it is installed."""
