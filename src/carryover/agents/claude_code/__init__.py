"""Claude Code: transcripts under `~/.claude/projects`. Format facts: FACTS.md."""
