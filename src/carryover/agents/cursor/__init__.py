"""Cursor: the editor's databases, the terminal client's chats, and the transcripts of both. Format facts: FACTS.md."""
