"""The marks that replace secrets."""

from __future__ import annotations

from collections.abc import Iterable

MARK = "[redacted:"
"""How every mark begins; a value that begins like that is redacted already."""

Span = tuple[int, int, str]
"""Where a secret begins and ends, and its kind."""


def insert_marks(text: str, spans: Iterable[Span], counts: dict[str, int]) -> str:
    """`text` with a mark in place of each span, counted by kind. Of overlapping spans, the first one counts."""
    parts = []
    done = 0
    for start, end, kind in sorted(spans):
        if done <= start < end:
            parts += [text[done:start], f"{MARK}{kind}]"]
            counts[kind] = counts.get(kind, 0) + 1
            done = end
    return "".join((*parts, text[done:])) if parts else text
