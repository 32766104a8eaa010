"""Aider: the chat histories it writes into projects. Format facts: FACTS.md."""
