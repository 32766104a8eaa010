"""What an edit changed: from the patch in its result, or from its input where the result has none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from carryover.agents.claude_code import wire
from carryover.agents.claude_code.context import MAX_PATH_CHARS, SHORT_CHARS, Change, bounded
from carryover.agents.claude_code.draft import resolved

_OWN_NOTES: Final = re.compile(r"/\.claude/(?:plans|projects)/")
"""Plans and memory that the client keeps for itself (2.0.28, 2.1.328): nobody's work, and outside every project."""


class Replacement(msgspec.Struct, frozen=True):
    old_string: str = ""
    new_string: str = ""


class EditInput(msgspec.Struct, frozen=True):
    """Input of Edit, Write, MultiEdit and NotebookEdit (2.0.65, 2.1.328)."""

    file_path: str | None = None
    notebook_path: str | None = None
    old_string: str | None = None
    new_string: str | None = None
    replace_all: bool | None = None
    content: str | None = None
    edits: list[Replacement] | None = None


class Hunk(msgspec.Struct, frozen=True, rename="camel"):
    new_start: int = 1
    lines: list[str] = msgspec.field(default_factory=list)


class EditResult(msgspec.Struct, frozen=True, rename="camel"):
    """`toolUseResult` of the same tools; absent in sub-agents' files (2.1.328)."""

    file_path: str | None = None
    type: str | None = None
    structured_patch: list[Hunk] | None = None


def planned(raw: msgspec.Raw, cwd: str | None) -> Change | None:
    """The change an edit call asks for, as far as its input tells; None when it names no file."""
    given = wire.part_of(raw, EditInput)
    if given is None:
        return None
    path = resolved(given.file_path or given.notebook_path or "", cwd)
    if path is None or not (given.file_path or given.notebook_path) or len(path) > MAX_PATH_CHARS:
        return None
    if _OWN_NOTES.search(path):
        return None
    if given.content is not None:
        return _written(path, given.content)
    pairs = given.edits or ()
    if given.old_string is not None or given.new_string is not None:
        pairs = [Replacement(old_string=given.old_string or "", new_string=given.new_string or "")]
    return _replaced(path, pairs, counted=bool(pairs) and not given.replace_all)


def applied(change: Change, result: EditResult | None, output: str) -> Change:
    """`change` as it came about: a created file is told apart from an overwritten one, a patch gives the lines."""
    if result is not None and result.type == "create":
        return msgspec.structs.replace(change, change="add")
    if result is not None and result.structured_patch:
        return _patched(change, result.structured_patch)
    # The text of the result tells it in sub-agents' files (2.0.65, 2.1.328).
    if output.startswith("File created successfully"):
        return msgspec.structs.replace(change, change="add")
    if change.line is None:
        return change
    # The input of Write says how long the file is, which is not what changed in one that existed.
    return msgspec.structs.replace(change, added=None, removed=None, line=None)


def _written(path: str, content: str) -> Change:
    lines = content.splitlines()
    line, anchor = _first_text(lines, 1)
    return Change(path=path, change="modify", added=len(lines), removed=0, line=line, anchor=anchor)


def _replaced(path: str, pairs: Sequence[Replacement], *, counted: bool) -> Change:
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
    """Both without the lines they begin and end with in common."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return old[start : len(old) - end], new[start : len(new) - end]


def _patched(change: Change, hunks: list[Hunk]) -> Change:
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


def _first_change(hunks: list[Hunk]) -> tuple[int | None, str | None]:
    """Number and text of the first line with text that was added, or else the number of the first line removed."""
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
