"""Text as the user wrote it and as a tool printed it, without what the client put around it."""

from __future__ import annotations

from typing import Final

from carryover.records.text import without_ansi

_GLUED: Final = ("system-reminder", "ide_opened_file", "ide_selection", "ide_diagnostics")


def own_words(text: str) -> str:
    """A prompt without the blocks the client glued to its beginning or end; what is inside it is the user's.

    Seen: `<ide_opened_file>` in front (2.1.11), `<system-reminder>` behind (2.0.65).
    """
    start, end = 0, len(text)
    moved = True
    while moved:
        start, end = _stripped(text, start, end)
        moved = False
        for tag in _GLUED:
            inner = _inside(text, start, end, f"<{tag}>", f"</{tag}>")
            moved = moved or inner != (start, end)
            start, end = inner
    return text[start:end]


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _inside(text: str, start: int, end: int, opening: str, closing: str) -> tuple[int, int]:
    """The bounds without a block at the beginning, or else at the end."""
    if text.startswith(opening, start, end) and (closed := text.find(closing, start, end)) >= 0:
        return closed + len(closing), end
    if text.endswith(closing, start, end) and (opened := text.rfind(opening, start, end)) >= 0:
        return start, opened
    return start, end


def without_reminders(text: str) -> str:
    """`text` without the blocks the client adds to tool output and summaries (2.0.65, 2.1.328)."""
    opening, closing = "<system-reminder>", "</system-reminder>"
    kept = []
    at = 0
    while (opened := text.find(opening, at)) >= 0 and (closed := text.find(closing, opened)) >= 0:
        kept.append(text[at:opened].rstrip("\n"))
        at = closed + len(closing)
    return "".join((*kept, text[at:])) if kept else text


def plain_output(text: str) -> str:
    """A tool's output as text."""
    return without_ansi(without_reminders(text))
