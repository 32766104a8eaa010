"""Notices that an edit reverts what an earlier turn had changed: an approach that was given up."""

from __future__ import annotations

import zlib
from itertools import combinations
from typing import Final

from carryover.distill.digest import Change, EditedFile, Revert
from carryover.model import FileEdit
from carryover.text.pattern import later

_MOST_CHANGES: Final = 8
_MOST_REVERTS: Final = 20
_CUT_OFF: Final = "\\"
_IMPORT: Final = later(
    r"|import\b.*|from \S+ import\b.*|(?:global )?using [^\s;]+;|(?:pub )?use [^\s;]+;|#include\b.*|require\b.*"
    r"|\} from .*|(?:const|let|var) .{0,200} = require\(.*"
    r"|(?:[\w.]+ )?\"[\w.~/@-]+\""
)
"""A line of a file that only names what the others use, such as one of Go's `import (`, or an empty one."""


def with_change(changes: tuple[Change, ...], edit: FileEdit, turn: int) -> tuple[Change, ...]:
    """Returns the newest changes of a file with those of an edit, if all its lines are recorded. A change of
    imports alone is left out, since it only follows others. Of too many, one that was reverted goes first, with what
    reverts it: a turn of many edits may be reverted from its last one on."""
    lines = edit.diff.splitlines()
    changed = [line[1:].strip() for line in lines if line[:1] in ("+", "-")]
    if all(_IMPORT.fullmatch(line) for line in changed) or any(line.startswith(_CUT_OFF) for line in lines):
        return changes
    known = (*changes, Change(turn, _checksum(lines, "+"), _checksum(lines, "-")))
    if len(known) > _MOST_CHANGES:
        pairs = ((one, later) for one, later in combinations(known, 2) if _are_opposite(one, later))
        undone = next(((one, later) for one, later in pairs if one.turn < later.turn), ())
        known = tuple(one for one in known if not any(one is gone for gone in undone))
    return known[-_MOST_CHANGES:]


def _checksum(lines: list[str], mark: str) -> int:
    text = "\n".join(line[1:].strip() for line in lines if line.startswith(mark))
    return zlib.crc32(text.encode(errors="surrogatepass"))  # JSON may hold half a character


def reverts_after(
    known: tuple[Revert, ...], former: EditedFile | None, edit: FileEdit, turn: int, at_ms: int
) -> tuple[Revert, ...]:
    """Returns the reverts after an edit. One that was itself reverted no longer counts, nor does a deletion if the file
    is added again: some agents rewrite files in that way."""
    if edit.change == "add" and former is not None and former.change == "delete":
        return tuple(one for one in known if one.path != edit.path or one.turn != former.turn)
    of = _reverted_turn(former, edit, turn) if former is not None else None
    if of is None:
        return known
    others = tuple(one for one in known if one.path != edit.path or one.turn != of)
    if len(others) < len(known):
        return others
    others = tuple(one for one in known if one.path != edit.path or one.turn != turn)
    return (*others, Revert(path=edit.path, of=of, turn=turn, at_ms=at_ms))[-_MOST_REVERTS:]


def _reverted_turn(former: EditedFile, edit: FileEdit, turn: int) -> int | None:
    """Returns the earlier turn of which the edit reverts the last change left in the file; None if there is none."""
    if edit.change == "delete":
        return former.turn if former.change == "add" and former.turn < turn else None
    made = next(iter(with_change((), edit, turn)), None)
    before = [one for one in reversed(former.changes) if one.turn < turn]
    of = next((one.turn for one in before if made is not None and _are_opposite(one, made)), None)
    if made is None or of is None:
        return None
    since = [made, *(one for one in former.changes if one.turn >= of)]
    whole = all(any(_are_opposite(one, later) for later in since) for one in before if one.turn == of)
    return of if whole else None


def _are_opposite(one: Change, other: Change) -> bool:
    return (one.added, one.removed) == (other.removed, other.added)
