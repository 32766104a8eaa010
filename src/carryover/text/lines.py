"""Text put on one line."""

from __future__ import annotations


def one_line(text: str) -> str:
    """`text` on one line: each run of white space is one blank."""
    return " ".join(text.split())
