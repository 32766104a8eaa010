"""Reads the changes that a call of the terminal client made, from the diff in its result."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from carryover.agents.copilot.context import MAX_CHANGES
from carryover.agents.copilot.tools import is_own_file
from carryover.records.changes import Change, hunks_in, patched
from carryover.records.fields import MAX_PATH_CHARS, resolved
from carryover.records.lenient import Fields, text_of

_PARTS: Final = re.compile(r"^(?=diff --git )", re.MULTILINE)
_FILE: Final = re.compile(r"diff --git a/?(?P<old>/?.+?) b/?(?P<new>/.+|[^/].*)$", re.MULTILINE)
_KIND: Final = re.compile(r"^(create|new|deleted) file mode", re.MULTILINE)


def applied(planned: Sequence[Change], diff: str, edited: Sequence[Fields]) -> tuple[Change, ...]:
    """Returns the changes that were made.

    Positions and counts come from the diff, files and operations from `edited` (1.0.102).
    """
    known = {change.path: change for change in planned}
    for change in map(_in_part, _PARTS.split(diff)):
        if change is not None:
            before = known.get(change.path)
            kind = "add" if before is not None and before.change == "add" else change.change
            old_path = before.old_path if before is not None else None
            known[change.path] = msgspec.structs.replace(change, change=kind, old_path=old_path)
    for one in edited[:MAX_CHANGES]:
        place, done = resolved(text_of(one.get("path")), None), text_of(one.get("kind"))
        if place is None or len(place) > MAX_PATH_CHARS:
            continue
        change = known.get(place) or Change(path=place, change="modify")
        if done == "delete":
            known[place] = Change(path=place, change="delete")
        else:
            known[place] = msgspec.structs.replace(change, change="add") if done == "create" else change
    return tuple(change for change in known.values() if not is_own_file(change.path))[:MAX_CHANGES]


def _in_part(part: str) -> Change | None:
    """Returns the change of one file in a diff of several; None for what comes before the first one."""
    header = _FILE.match(part)
    if header is None:
        return None
    path = f"/{header['new'].lstrip('/')}"
    kind = _KIND.search(part.partition("\n@@ ")[0])
    if kind is not None and kind[1] == "deleted":
        return Change(path=path, change="delete")
    change = patched(Change(path=path, change="modify"), hunks_in(part))
    return change if kind is None else msgspec.structs.replace(change, change="add")
