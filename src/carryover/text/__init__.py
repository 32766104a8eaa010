"""Parsers for the formats that agents and users write text in: shell command lines and Markdown. Pure."""
