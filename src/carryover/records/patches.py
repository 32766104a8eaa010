"""Parses what calls ask to change: `apply_patch` texts, which several agents use, and arguments that name a file."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.model import FileEdit, Op
from carryover.records.changes import Hunk, hunks_in, patched, planned, written
from carryover.records.fields import MAX_PATH_CHARS, resolved
from carryover.records.lenient import Fields, first_text, text_of
from carryover.records.uris import path_of
from carryover.text.pattern import later

_HEADER: Final = "*** "
_FILE: Final = later(r"\*\*\* (Add|Update|Delete) File: (.+)")
_MOVE: Final = later(r"\*\*\* Move to: (.+)")


def in_patch(text: str, cwd: str | None) -> tuple[FileEdit, ...]:
    """Returns the changes of an `apply_patch` text in `cwd`. Its hunks have no line numbers, so the edits have none. A
    file that it deletes and adds counts as modified."""
    planned = (_planned(name, path, lines, cwd) for name, path, lines in _files(text))
    found = [change for change in planned if change is not None]
    deleted, created = ({change.path for change in found if change.change == kind} for kind in ("delete", "add"))
    again = deleted & created
    kept = (change for change in found if change.change != "delete" or change.path not in again)
    return tuple(modified(change) if change.path in again else change for change in kept)


def patch_in(given: Fields) -> str:
    """Returns the patch among the arguments of a call; empty if none of them is one."""
    text = first_text(given, "input", "patch", "patchText")
    return text if text.lstrip().startswith("*** Begin Patch") else ""


def files_in_patch(text: str) -> list[str]:
    """Returns the files that a patch names, as written."""
    return [path.strip() for _, path, _ in _files(text)]


def added(path: str, content: str) -> FileEdit:
    """Returns the change that creates a file."""
    return msgspec.structs.replace(written(path, content), change="add")


def modified(change: FileEdit) -> FileEdit:
    """Returns the change as one of a file that existed before."""
    return msgspec.structs.replace(change, change="modify")


def renamed(change: FileEdit, to: str, cwd: str | None) -> FileEdit | None:
    """Returns the change with the file moved to `to`; None if that path can't be determined."""
    place = patched_path(to, cwd)
    return msgspec.structs.replace(change, change="rename", path=place, old_path=change.path) if place else None


def reported(path: str, kind: str, diff: str, moved: str, cwd: str | None) -> FileEdit | None:
    """Returns the change of a file that a client reports of a patch: `kind` is add, delete or update; None if it can't
    be placed."""
    place = patched_path(path, cwd)
    if place is None:
        return None
    if kind == "delete":
        return FileEdit(path=place, change="delete")
    change = patched(place, hunks_in(diff))
    if kind == "add":
        return msgspec.structs.replace(change, change="add")
    return renamed(change, moved, cwd) if moved else change


def patched_path(path: str, cwd: str | None) -> str | None:
    """Returns the absolute path for a path in a patch; None if its folder is unknown or it can't be stored."""
    place = resolved(path.strip(), cwd) if path.strip() else None
    return place if place is not None and len(place) <= MAX_PATH_CHARS else None


def by_arguments(op: Op, given: Fields, cwd: str | None) -> tuple[FileEdit, ...]:
    """Returns the changes that the arguments of most tools ask for: of a single file, or by a patch."""
    if op == "edit" and (patch := patch_in(given)):
        return in_patch(patch, cwd)
    named = path_of(first_text(given, "path", "file_path", "filepath", "filePath")) if op in ("edit", "write") else None
    path = patched_path(named or "", cwd)
    return (planned(path, given),) if path is not None else ()


def with_place(given: Fields, cwd: str | None) -> Fields:
    """Returns the arguments of a call with its `path` as an absolute one, before all others, if that is known."""
    place = patched_path(text_of(given.get("path")), cwd)
    others = {name: field for name, field in given.items() if name != "path"}
    return given if place is None else {"path": msgspec.Raw(msgspec.json.encode(place)), **others}


def _files(text: str) -> list[tuple[str, str, list[str]]]:
    found: list[tuple[str, str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith(_HEADER) and (header := _FILE.fullmatch(line.rstrip())):
            found.append((header[1], header[2], []))
        elif found:
            found[-1][2].append(line)
    return found


def _planned(name: str, path: str, lines: list[str], cwd: str | None) -> FileEdit | None:
    place = patched_path(path, cwd)
    if place is None:
        return None
    if name == "Delete":
        return FileEdit(path=place, change="delete")
    if name == "Add":
        return added(place, "\n".join(line[1:] for line in lines if line.startswith("+")))
    change = patched(place, [Hunk(new_start=0, lines=lines)])
    change = msgspec.structs.replace(change, line=None)
    headers = [line.rstrip() for line in lines if line.startswith(_HEADER)]
    moved = next((found[1] for line in headers if (found := _MOVE.fullmatch(line))), None)
    return renamed(change, moved, cwd) if moved else change
