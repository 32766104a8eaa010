"""Notices that an edit reverts what an earlier turn had changed: an approach that was given up."""

from __future__ import annotations

import zlib
from typing import Final

from carryover.distill.digest import Change, EditedFile, Revert
from carryover.model import FileEdit

_MOST_CHANGES: Final = 8
_MOST_REVERTS: Final = 20
_CUT_OFF: Final = "\\"


def with_change(changes: tuple[Change, ...], edit: FileEdit, turn: int) -> tuple[Change, ...]:
    """Returns the newest changes of a file with those of an edit, if all its lines are recorded."""
    lines = edit.diff.splitlines()
    if not any(line[:1] in ("+", "-") for line in lines) or any(line.startswith(_CUT_OFF) for line in lines):
        return changes
    return (*changes, Change(turn, _checksum(lines, "+"), _checksum(lines, "-")))[-_MOST_CHANGES:]


def _checksum(lines: list[str], mark: str) -> int:
    text = "\n".join(line[1:].strip() for line in lines if line.startswith(mark))
    return zlib.crc32(text.encode(errors="surrogatepass"))  # JSON may hold half a character


def after_edit(
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
    """Returns the earlier turn whose change an edit reverts; None if it does something else."""
    if edit.change == "delete":
        return former.turn if former.change == "add" and former.turn < turn else None
    made = next(iter(with_change((), edit, turn)), None)
    opposite = (made.removed, made.added) if made is not None else None
    return next(
        (one.turn for one in reversed(former.changes) if one.turn < turn and (one.added, one.removed) == opposite), None
    )
