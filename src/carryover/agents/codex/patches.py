"""What a patch changed, from the client's account of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from carryover.agents.codex.wire import ChangeDetail
from carryover.records.changes import Change, Hunk, patched
from carryover.records.patches import added, place_of, renamed

_HUNK: Final = re.compile(r"@@ -\d{1,9}(?:,\d{1,9})? \+(\d{1,9})(?:,\d{1,9})? @@")


def in_account(changes: Mapping[str, ChangeDetail], cwd: str | None) -> tuple[Change, ...]:
    """The changes that the client says it made (`FileChange`, `patch_apply_end`), in the order of their paths."""
    found = (_made(path, detail, cwd) for path, detail in sorted(changes.items()))
    return tuple(change for change in found if change is not None)


def subject(changes: Sequence[Change]) -> str:
    """The file that a patch is about: of several, one that was there before."""
    edited = [change for change in changes if change.change in ("modify", "rename")]
    first = next(iter(edited or changes), None)
    return (first.old_path or first.path) if first is not None else ""


def _made(path: str, detail: ChangeDetail, cwd: str | None) -> Change | None:
    place = place_of(path, cwd)
    if place is None:
        return None
    if detail.type == "add":
        return added(place, detail.content or "")
    if detail.type == "delete":
        return Change(path=place, change="delete")
    if detail.type != "update":
        return None
    change = patched(Change(path=place, change="modify"), _hunks(detail.unified_diff or ""))
    return renamed(change, detail.move_path, cwd) if detail.move_path else change


def _hunks(diff: str) -> list[Hunk]:
    hunks: list[Hunk] = []
    for line in diff.splitlines():
        if header := _HUNK.match(line):
            hunks.append(Hunk(new_start=int(header[1]), lines=[]))
        elif hunks:
            hunks[-1].lines.append(line)
    return hunks
