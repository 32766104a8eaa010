"""What a patch changes: from the client's account of it, or from the text of an `apply_patch` call."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from carryover.agents.codex.wire import ChangeDetail
from carryover.records.bounds import MAX_PATH_CHARS
from carryover.records.changes import Change, Hunk, patched, written
from carryover.records.paths import resolved

_FILE: Final = re.compile(r"\*\*\* (Add|Update|Delete) File: (.+)")
_MOVE: Final = re.compile(r"\*\*\* Move to: (.+)")
_HUNK: Final = re.compile(r"@@ -\d{1,9}(?:,\d{1,9})? \+(\d{1,9})(?:,\d{1,9})? @@")


def in_patch(text: str, cwd: str | None) -> tuple[Change, ...]:
    """The changes of a patch in the form that `apply_patch` takes, applied in `cwd`.

    The lines of a hunk have no numbers there, so no edit says where in its file it is.
    """
    found = []
    for name, path, lines in _files(text):
        change = _planned(name, path, lines, cwd)
        if change is not None:
            found.append(change)
    return tuple(found)


def in_account(changes: Mapping[str, ChangeDetail], cwd: str | None) -> tuple[Change, ...]:
    """The changes that the client says it made (`FileChange`, `patch_apply_end`), in the order of their paths."""
    found = (_made(path, detail, cwd) for path, detail in sorted(changes.items()))
    return tuple(change for change in found if change is not None)


def subject(changes: Sequence[Change]) -> str:
    """The file that a patch is about: of several, one that was there before."""
    edited = [change for change in changes if change.change in ("modify", "rename")]
    first = next(iter(edited or changes), None)
    return (first.old_path or first.path) if first is not None else ""


def _files(text: str) -> Iterable[tuple[str, str, list[str]]]:
    """Each file of a patch: what is done with it, its path, and the lines up to the next one."""
    found: list[tuple[str, str, list[str]]] = []
    for line in text.splitlines():
        if header := _FILE.fullmatch(line.rstrip()):
            found.append((header[1], header[2], []))
        elif found:
            found[-1][2].append(line)
    return found


def _planned(name: str, path: str, lines: list[str], cwd: str | None) -> Change | None:
    place = _place(path, cwd)
    if place is None:
        return None
    if name == "Delete":
        return Change(path=place, change="delete")
    if name == "Add":
        return _added(place, "\n".join(line[1:] for line in lines if line.startswith("+")))
    change = patched(Change(path=place, change="modify"), [Hunk(new_start=0, lines=lines)])
    change = msgspec.structs.replace(change, line=None)
    moved = next((found[1] for line in lines if (found := _MOVE.fullmatch(line.rstrip()))), None)
    return _renamed(change, moved, cwd) if moved else change


def _made(path: str, detail: ChangeDetail, cwd: str | None) -> Change | None:
    place = _place(path, cwd)
    if place is None:
        return None
    if detail.type == "add":
        return _added(place, detail.content or "")
    if detail.type == "delete":
        return Change(path=place, change="delete")
    if detail.type != "update":
        return None
    change = patched(Change(path=place, change="modify"), _hunks(detail.unified_diff or ""))
    return _renamed(change, detail.move_path, cwd) if detail.move_path else change


def _added(path: str, content: str) -> Change:
    return msgspec.structs.replace(written(path, content), change="add")


def _renamed(change: Change, to: str, cwd: str | None) -> Change | None:
    place = _place(to, cwd)
    if place is None:
        return None
    return msgspec.structs.replace(change, change="rename", path=place, old_path=change.path)


def _hunks(diff: str) -> list[Hunk]:
    hunks: list[Hunk] = []
    for line in diff.splitlines():
        if header := _HUNK.match(line):
            hunks.append(Hunk(new_start=int(header[1]), lines=[]))
        elif hunks:
            hunks[-1].lines.append(line)
    return hunks


def _place(path: str, cwd: str | None) -> str | None:
    place = resolved(path.strip(), cwd) if path.strip() else None
    return place if place is not None and len(place) <= MAX_PATH_CHARS else None
