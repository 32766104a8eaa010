"""Sessions of any agent as SpecStory wrote them down in Markdown. FACTS.md has the format."""
