"""Gemini CLI: its transcripts, its hooks and its installation. Format facts: FACTS.md."""
