"""Text as the user wrote it and as a tool printed it, without what the client put around it."""

from __future__ import annotations

import re
from typing import Final

_GLUED: Final = ("system-reminder", "ide_opened_file", "ide_selection", "ide_diagnostics")
_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")

HANDOFF_HEAD: Final = "# [CARRYOVER] Last updated"
HANDOFF_FILE: Final = ".carryover/handoff.md"


def own_words(text: str) -> str:
    """A prompt without the blocks the client glued to its beginning or end; what stands inside it is the user's.

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


def tagged(text: str, tag: str, start: int = 0) -> str | None:
    """What stands between the first `<tag>` after `start` and its end, None when there is no such pair."""
    opening, closing = f"<{tag}>", f"</{tag}>"
    opened = text.find(opening, start)
    closed = text.find(closing, opened) if opened >= 0 else -1
    return text[opened + len(opening) : closed] if closed >= 0 else None


def without_reminders(text: str) -> str:
    """`text` without the blocks the client adds to tool output and summaries (2.0.65, 2.1.328)."""
    opening, closing = "<system-reminder>", "</system-reminder>"
    kept = []
    at = 0
    while (opened := text.find(opening, at)) >= 0 and (closed := text.find(closing, opened)) >= 0:
        kept.append(text[at:opened].rstrip("\n"))
        at = closed + len(closing)
    return "".join((*kept, text[at:])) if kept else text


def without_ansi(text: str) -> str:
    """`text` without terminal escapes."""
    return _ANSI.sub("", text) if "\x1b" in text else text


def plain_output(text: str) -> str:
    """A tool's output as text."""
    return without_ansi(without_reminders(text))


def without_handoff(output: str) -> str:
    """`output` without what it repeats of Carryover's own file: all of it, or the lines a search found there."""
    if HANDOFF_HEAD in output:
        return ""
    if HANDOFF_FILE not in output:
        return output
    return "\n".join(line for line in output.split("\n") if HANDOFF_FILE not in line)
