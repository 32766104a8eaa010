"""Parsers for what agents and users write: command lines, Markdown, YAML and TOML, times and marks in a text. Pure."""
