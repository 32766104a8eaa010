"""The text of an `apply_patch` call: files added, deleted, changed and moved."""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from carryover.records.changes import Change, Hunk, patched
from carryover.records.paths import resolved

MAX_FILES: Final = 50

_FILE: Final = re.compile(r"\*\*\* (Add|Delete|Update) File: (.+)")
_FILE_LINE: Final = re.compile(rf"^{_FILE.pattern}$", re.MULTILINE)
_MOVED: Final = re.compile(r"\*\*\* Move to: (.+)")


def patch_changes(patch: str, cwd: str | None) -> tuple[Change, ...]:
    """The changes a patch makes if it applies, in order; files whose folder nobody knows are left out.

    A patch names places by their text, so line numbers stay unknown.
    """
    found: list[Change] = []
    parts = re.split(r"^(?=\*\*\* (?:Add|Delete|Update) File: )", patch, flags=re.MULTILINE)
    for part in parts[: MAX_FILES + 1]:
        head, *lines = part.split("\n")
        if (named := _FILE.fullmatch(head.rstrip())) and (path := resolved(named[2].strip(), cwd)) is not None:
            found.append(_change(named[1], path, lines, cwd))
    return tuple(found)


def patched_files(patch: str) -> list[str]:
    """The files a patch names, as it names them."""
    return [named[2].strip() for named in islice(_FILE_LINE.finditer(patch), MAX_FILES)]


def _change(verb: str, path: str, lines: list[str], cwd: str | None) -> Change:
    if verb == "Delete":
        return Change(path=path, change="delete")
    to = _MOVED.fullmatch(lines[0].rstrip()) if lines else None
    moved_to = resolved(to[1].strip(), cwd) if to else None
    body = patched(Change(path=moved_to or path, change="modify"), [Hunk(lines=lines)])
    return Change(
        path=body.path,
        change="add" if verb == "Add" else "rename" if moved_to else "modify",
        old_path=path if moved_to else None,
        added=body.added,
        removed=body.removed,
        anchor=body.anchor,
    )
