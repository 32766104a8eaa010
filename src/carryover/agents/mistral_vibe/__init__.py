"""Mistral Vibe: one folder per session, with a state that is replaced and a journal of what has changed since."""
