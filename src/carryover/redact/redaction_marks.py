"""The marks that replace secrets, and lower-casing that keeps every character in place."""

from __future__ import annotations

import re
from collections.abc import Iterable

MARK = "[redacted:"
"""The beginning of every mark; a value that begins this way is already redacted."""

Span = tuple[int, int, str]
"""Start, end and kind of a secret."""


def insert_marks(text: str, spans: Iterable[Span], counts: dict[str, int]) -> str:
    """Returns `text` with a mark in place of each span, counted by kind. The first of overlapping spans wins."""
    parts = []
    done = 0
    for start, end, kind in sorted(spans):
        if done <= start < end:
            parts += [text[done:start], f"{MARK}{kind}]"]
            counts[kind] = counts.get(kind, 0) + 1
            done = end
    return "".join((*parts, text[done:])) if parts else text


_UPPER = re.compile("[A-Z]+")


def lowered(text: str) -> str:
    """Returns `text` in lower case with each character in its place (`str.lower` makes two of some, such as `İ`)."""
    lower = text.lower()
    return lower if len(lower) == len(text) else _UPPER.sub(lambda match: match[0].lower(), text)
