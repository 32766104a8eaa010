"""Windsurf's agent Cascade. Windsurf has been called Devin Desktop since June 2026. Format facts: FACTS.md."""
