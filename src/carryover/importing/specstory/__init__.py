"""Reads sessions of any agent that SpecStory saved as Markdown. FACTS.md describes the format."""
