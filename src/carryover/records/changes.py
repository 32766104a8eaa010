"""File changes as agents' records describe them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from posixpath import commonprefix
from typing import Final

import msgspec

from carryover.model import FileEdit
from carryover.records import rawjson
from carryover.records.fields import SHORT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, first_text, is_true, items_of
from carryover.text.pattern import later

_DIFF_CHARS: Final = 6000
_LINE_CHARS: Final = 500
_CONTEXT_LINES: Final = 3
_SHOWN_SIGNS: Final = (" ", "+", "-", "@@", "\\")
"""The beginnings of the lines of a diff."""
_CONTENT: Final = ("content", "contents", "file_text")
_OLD: Final = ("old_string", "old_str", "oldString", "oldText", "before")
_NEW: Final = ("new_string", "new_str", "newString", "newText", "after")
_ALL: Final = ("replace_all", "replaceAll")
_HUNK: Final = later(r"@@ -\d{1,9}(?:,\d{1,9})? \+(\d{1,9})(?:,\d{1,9})? @@")


class Replacement(msgspec.Struct, frozen=True):
    """A text in a file and the text that an edit puts in its place."""

    old_string: str = ""
    new_string: str = ""


class Hunk(msgspec.Struct, frozen=True, rename="camel"):
    """One hunk of a unified diff. `new_start` is its first line in the new file, counted from 1."""

    new_start: int = 1
    lines: list[str] = msgspec.field(default_factory=list)


def written(path: str, content: str) -> FileEdit:
    """Returns the change that writes `content` as the whole file; every line counts as added."""
    lines = content.splitlines()
    line, anchor = _first_text(lines)
    diff = _diff([f"+{text}" for text in lines])
    return FileEdit(path=path, change="modify", added=len(lines), removed=0, line=line, anchor=anchor, diff=diff)


def replaced(path: str, pairs: Sequence[Replacement], *, counted: bool) -> FileEdit:
    """Returns the change that makes these replacements; without line counts unless `counted`."""
    added = 0
    removed = 0
    anchor = None
    shown: list[str] = []
    for pair in pairs:
        before = pair.old_string.splitlines()
        after = pair.new_string.splitlines()
        start = len(commonprefix((before, after)))
        end = len(commonprefix((before[start:][::-1], after[start:][::-1])))
        old = before[start : len(before) - end]
        new = after[start : len(after) - end]
        if old or new:
            above = before[max(0, start - _CONTEXT_LINES) : start]
            below = before[len(before) - end :][:_CONTEXT_LINES]
            marked = ((" ", above), ("-", old), ("+", new), (" ", below))
            shown += ["@@", *(f"{mark}{line}" for mark, lines in marked for line in lines)]
        added += len(new)
        removed += len(old)
        anchor = anchor or _first_text(new)[1]
    change = FileEdit(path=path, change="modify", anchor=anchor, diff=_diff(shown))
    return msgspec.structs.replace(change, added=added, removed=removed) if counted else change


def planned(path: str, given: Fields, *, counted: bool = True) -> FileEdit:
    """Returns the change that an edit's arguments ask for, which agents name differently: the content of the whole
    file, an old and a new text, or several of them as `edits`."""
    contents = (rawjson.string_of(given[name]) for name in _CONTENT if name in given)
    if (content := next((content for content in contents if content is not None), None)) is not None:
        return written(path, content)
    asked = [given] if any(name in given for name in (*_OLD, *_NEW)) else map(fields_of, items_of(given.get("edits")))
    pairs = [Replacement(first_text(each, *_OLD), first_text(each, *_NEW)) for each in asked]
    counted = counted and bool(pairs) and not any(is_true(given.get(name)) for name in _ALL)
    return replaced(path, pairs, counted=counted)


def _diff(lines: list[str]) -> str:
    """The lines of a diff as they are kept: bounded, since an open call is remembered with them."""
    kept: list[str] = []
    room = _DIFF_CHARS
    for number, line in enumerate(lines):
        shown = f"{line[:1]}{bounded(line[1:], _LINE_CHARS)}"
        room -= len(shown) + 1
        if room < 0:
            return "\n".join([*kept, f"\\ {len(lines) - number} more lines"])
        kept.append(shown)
    return "\n".join(kept)


def patched(path: str, hunks: list[Hunk]) -> FileEdit:
    """Returns the modification of the file at `path` that these hunks describe: line counts, position and diff."""
    shown: list[str] = []
    for hunk in hunks:
        if hunk.new_start:
            shown.append(f"@@ +{hunk.new_start} @@")
        shown += [line for line in hunk.lines if not line or line.startswith(_SHOWN_SIGNS)]
    line, anchor = _first_change(hunks)
    signs = Counter(text[:1] for hunk in hunks for text in hunk.lines)
    return FileEdit(
        path=path,
        change="modify",
        added=signs["+"],
        removed=signs["-"],
        line=line,
        anchor=anchor,
        diff=_diff(shown),
    )


def as_shown(changes: Sequence[FileEdit], diff: str) -> Sequence[FileEdit]:
    """Returns the changes of a call, as the unified diff in its result shows them if it modified one file."""
    hunks = hunks_in(diff) if len(changes) == 1 and changes[0].change == "modify" else []
    return [patched(changes[0].path, hunks)] if hunks else changes


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
                    return number, bounded(text[1:], SHORT_CHARS)
                number += 1
            elif text.startswith("-"):
                removed_at = removed_at or number
            elif not text.startswith("\\"):  # "\\ No newline at end of file" is no line of it
                number += 1
    return removed_at, None


def _first_text(lines: Iterable[str]) -> tuple[int | None, str | None]:
    found = ((number, bounded(text, SHORT_CHARS)) for number, text in enumerate(lines, 1) if text.strip())
    return next(found, (None, None))
