"""File changes as agents' records describe them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

from carryover.model import FileEdit
from carryover.records.fields import SHORT_CHARS, bounded

_HUNK: Final = re.compile(r"@@ -\d{1,9}(?:,\d{1,9})? \+(\d{1,9})(?:,\d{1,9})? @@")


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file change that a call makes if it succeeds."""

    path: str
    change: Literal["add", "modify", "delete", "rename"]
    old_path: str | None = None
    added: int | None = None
    removed: int | None = None
    line: int | None = None
    anchor: str | None = None


class Replacement(msgspec.Struct, frozen=True):
    """A text in a file and the text that an edit puts in its place."""

    old_string: str = ""
    new_string: str = ""


class Hunk(msgspec.Struct, frozen=True, rename="camel"):
    """One hunk of a unified diff.

    `new_start` is its first line in the new file, counted from 1; each line begins with ` `, `+` or `-`.
    """

    new_start: int = 1
    lines: list[str] = msgspec.field(default_factory=list)


def as_edit(change: Change, call_id: str | None) -> FileEdit:
    """Returns the event for an applied change."""
    return FileEdit(
        path=change.path,
        change=change.change,
        call_id=call_id,
        old_path=change.old_path,
        added=change.added,
        removed=change.removed,
        line=change.line,
        anchor=change.anchor,
    )


def written(path: str, content: str) -> Change:
    """Returns the change that writes `content` as the whole file; every line counts as added."""
    lines = content.splitlines()
    line, anchor = _first_text(lines, 1)
    return Change(path=path, change="modify", added=len(lines), removed=0, line=line, anchor=anchor)


def replaced(path: str, pairs: Sequence[Replacement], *, counted: bool) -> Change:
    """Returns the change that makes these replacements.

    Unless `counted`, its line counts are None: how often each text occurs is unknown.
    """
    added = removed = 0
    anchor = None
    for pair in pairs:
        old, new = _unlike(pair.old_string.splitlines(), pair.new_string.splitlines())
        added += len(new)
        removed += len(old)
        anchor = anchor or _first_text(new, 1)[1]
    return Change(
        path=path,
        change="modify",
        added=added if counted else None,
        removed=removed if counted else None,
        anchor=anchor,
    )


def _unlike(old: list[str], new: list[str]) -> tuple[list[str], list[str]]:
    """Returns both without the lines that they have in common at the beginning and the end."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return old[start : len(old) - end], new[start : len(new) - end]


def patched(change: Change, hunks: list[Hunk]) -> Change:
    """Returns `change` with the line counts and the position that the hunks of its diff give."""
    lines = [line for hunk in hunks for line in hunk.lines]
    line, anchor = _first_change(hunks)
    return Change(
        path=change.path,
        change="modify",
        added=sum(text.startswith("+") for text in lines),
        removed=sum(text.startswith("-") for text in lines),
        line=line,
        anchor=anchor,
    )


def hunks_in(diff: str) -> list[Hunk]:
    """Returns the hunks of a unified diff of one file, ignoring the header before the first one."""
    hunks: list[Hunk] = []
    for line in diff.splitlines():
        if header := _HUNK.match(line):
            hunks.append(Hunk(new_start=int(header[1]), lines=[]))
        elif hunks:
            hunks[-1].lines.append(line)
    return hunks


def _first_change(hunks: list[Hunk]) -> tuple[int | None, str | None]:
    """Returns the number and text of the first added line with text, or else the number of the first removed line."""
    removed_at: int | None = None
    for hunk in hunks:
        number = hunk.new_start
        for text in hunk.lines:
            if text.startswith("+"):
                if text[1:].strip():
                    return number, _anchor(text[1:])
                number += 1
            elif text.startswith("-"):
                removed_at = removed_at or number
            elif not text.startswith("\\"):  # "\\ No newline at end of file" is no line of it
                number += 1
    return removed_at, None


def _first_text(lines: Iterable[str], start: int) -> tuple[int | None, str | None]:
    for number, text in enumerate(lines, start):
        if text.strip():
            return number, _anchor(text)
    return None, None


def _anchor(line: str) -> str:
    return bounded(line, SHORT_CHARS)
