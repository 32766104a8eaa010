"""Codex CLI: transcripts under `~/.codex/sessions`. Format facts: FACTS.md."""
