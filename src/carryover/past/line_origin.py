"""Finds the recorded edits that wrote lines of a file, by the text of the lines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from carryover.ledger.search import EditRow
from carryover.model import FileEdit
from carryover.records.fields import bounded
from carryover.redact import clean
from carryover.text.pattern import later

_LONGEST_LINE: Final = 500
"""Maximum number of characters of a line in an edit's diff."""
_MOST_ABOVE: Final = 3
"""Lines that diffs show above a change, so no more of them can be compared."""

_CUT: Final = later(r"\\ \d+ more lines?")
_SAYS_ENOUGH: Final = later(r"\w.*\w.*\w")
"""A line with enough text to be recognised by it, unlike a bracket."""

_Recognised = tuple[str, ...]
"""A line that says enough; or one that doesn't, after the lines above it from one that does."""

Written = Sequence[tuple[EditRow, set[_Recognised]]]
"""Edits, newest first, each with the lines that it wrote."""


def as_recorded(text: str) -> list[str]:
    """Splits the text of a file into lines as recorded edits have them: bounded, and redacted where that keeps their
    number."""
    lines = text.split("\n")
    redacted = clean(text).split("\n")
    shown = redacted if len(redacted) == len(lines) else lines
    return [bounded(line.removesuffix("\r"), _LONGEST_LINE) for line in shown]


def written_lines(edits: Iterable[EditRow]) -> Written:
    """Returns the edits, which are in order, oldest first, with the lines that they wrote."""
    return [(edit, _written_by(edit.body)) for edit in edits][::-1]


def writer_of(lines: Sequence[str], index: int, among: Written, until_ms: float) -> EditRow | None:
    """Returns the newest edit until then (UTC ms) that wrote a line of the same text as the one at this index of the
    file's `lines`; None if there is none, or if the line has hardly any text and the lines above it differ."""
    text = _recognised(lines, index)
    return next((edit for edit, texts in among if text in texts and edit.at_ms <= until_ms), None)


def parts_written(edit: FileEdit) -> frozenset[str] | None:
    """Returns the lines that the edit wrote, or what it wrote of them; None if not all of that is recorded."""
    if is_silent(edit):
        return None
    return frozenset(line[1:] for hunk in _hunks(edit.diff) for line in hunk if line.startswith("+"))


def may_have_written(parts: frozenset[str] | None, line: str) -> bool:
    """Whether an edit that wrote these `parts` may have written the line."""
    return parts is None or line in parts or any(part in line and _SAYS_ENOUGH.search(part) for part in parts)


def writes(edit: FileEdit) -> bool:
    """Whether the edit wrote any line that is recorded."""
    return any(line.startswith("+") for hunk in _hunks(edit.diff) for line in hunk)


def is_silent(edit: FileEdit) -> bool:
    """Whether it is not recorded what the edit wrote, or not all of it."""
    return edit.change != "delete" and (not edit.diff or _CUT.fullmatch(edit.diff.rpartition("\n")[2]) is not None)


def removed_by(edit: FileEdit) -> set[str]:
    """Returns the lines that the edit removed, as far as they say enough to be recognised."""
    lines = (line for hunk in _hunks(edit.diff) for line in hunk)
    return {line[1:] for line in lines if line.startswith("-") and _SAYS_ENOUGH.search(line)}


def _written_by(edit: FileEdit) -> set[_Recognised]:
    """Returns the lines that the edit wrote; if its text is not recorded, the one with which that begins."""
    lines: set[_Recognised] = {(edit.anchor,)} if not edit.diff and edit.anchor is not None else set()
    for hunk in _hunks(edit.diff):
        after = [line for line in hunk if line[0] != "-"]
        texts = [line[1:] for line in after]
        lines.update(_recognised(texts, index) for index, line in enumerate(after) if line[0] == "+")
    return lines - {()}


def _recognised(lines: Sequence[str], index: int) -> _Recognised:
    """Returns what to recognise the line at this index by; nothing if no line near it says enough."""
    for first in range(index, max(index - _MOST_ABOVE, 0) - 1, -1):
        if _SAYS_ENOUGH.search(lines[first]):
            return tuple(lines[first : index + 1])
    return ()


def _hunks(diff: str) -> Iterator[list[str]]:
    """Yields the lines of each part of the diff, each with its sign (` `, `+` or `-`) in front."""
    lines: list[str] = []
    for line in diff.split("\n") if diff else ():
        if line.startswith("@@"):
            yield lines
            lines = []
        elif not line.startswith("\\"):
            lines.append(line.removesuffix("\r") or " ")
    yield lines
