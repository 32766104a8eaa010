"""opencode: its database, its older session files, and its exports. Format facts: FACTS.md."""
