"""Puts text on one line."""

from __future__ import annotations


def one_line(text: str) -> str:
    """Returns `text` on one line, with each run of white space replaced by one space."""
    return " ".join(text.split())
