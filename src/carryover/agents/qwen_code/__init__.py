"""Qwen Code: records and hooks of Claude Code's form, tools of Gemini CLI's."""
