"""Reads git repositories and project files in bounded time."""
