"""Reads the changes that a call made, from the diff in its result or, without a diff, from its arguments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from carryover.agents.copilot.context import MAX_CHANGES
from carryover.model import Op
from carryover.records import rawjson
from carryover.records.changes import Change, Hunk, Replacement, hunks_in, patched, replaced
from carryover.records.fields import MAX_PATH_CHARS, resolved
from carryover.records.lenient import Fields, fields_of, items_of, text_of
from carryover.records.patches import added, in_patch, place_of

_PARTS: Final = re.compile(r"^(?=diff --git )", re.MULTILINE)
_FILE: Final = re.compile(r"diff --git a/?(?P<old>/?.+?) b/?(?P<new>/.+|[^/].*)$", re.MULTILINE)
_KIND: Final = re.compile(r"^(create|new|deleted) file mode", re.MULTILINE)
_OWN_FILES: Final = re.compile(r"/session-state/[0-9a-fA-F-]{36}/")
"""The plan and notes that the client keeps with a session (1.0.102)."""


def planned(name: str, raw: msgspec.Raw, cwd: str | None) -> tuple[Change, ...]:
    """Returns the changes that `create`, `edit` or `apply_patch` asks for, as far as the arguments show them."""
    if name == "apply_patch":
        return _of_others(in_patch(patch_text(raw), cwd))
    given = fields_of(raw)
    place = place_of(text_of(given.get("path")), cwd)
    if place is None:
        return ()
    content = rawjson.string_of(given.get("file_text", rawjson.ABSENT))
    if content is not None:
        return _of_others((added(place, content),))
    pair = Replacement(old_string=text_of(given.get("old_str")), new_string=text_of(given.get("new_str")))
    return _of_others((replaced(place, [pair], counted=True),))


def planned_in_editor(name: str, op: Op, given: Fields, cwd: str | None) -> tuple[Change, ...]:
    """Returns the changes that a VS Code tool asks for, as far as the arguments show them."""
    if op not in ("edit", "write"):
        return ()
    if patch := text_of(given.get("input")) if "patch" in name.lower() else "":
        return in_patch(patch, cwd)
    several = [fields_of(raw) for raw in items_of(given.get("replacements"))] or [given]
    made = (_in_editor(op, {**given, **one}, cwd) for one in several)
    return tuple(change for change in made if change is not None)


def _in_editor(op: Op, given: Fields, cwd: str | None) -> Change | None:
    place = place_of(text_of(given.get("filePath")) or text_of(given.get("path")), cwd)
    if place is None or op == "write":
        content = rawjson.string_of(given.get("content", rawjson.ABSENT))
        return added(place, content) if place is not None and content is not None else None  # else a folder
    pair = Replacement(old_string=text_of(given.get("oldString")), new_string=text_of(given.get("newString")))
    has_texts = "oldString" in given or "newString" in given
    return replaced(place, [pair] if has_texts else [], counted=has_texts)


def patch_text(raw: msgspec.Raw) -> str:
    """Returns the patch of an `apply_patch` call: its only argument, or the field `input` or `patch`."""
    given = fields_of(raw)
    return text_of(raw) or text_of(given.get("input")) or text_of(given.get("patch"))


def is_own_file(path: str) -> bool:
    """Whether the client keeps that file for itself, outside every project, so that it is not part of the work."""
    return _OWN_FILES.search(path) is not None


def applied(changes: Sequence[Change], diff: str, edited: Sequence[Fields]) -> tuple[Change, ...]:
    """Returns the changes that were made.

    Positions and counts come from the diff, files and operations from `edited` (1.0.102).
    """
    shown = _in_diff(diff)
    known = {change.path: change for change in changes}
    for path, change in shown.items():
        before = known.get(path)
        kind = "add" if before is not None and before.change == "add" else change.change
        known[path] = msgspec.structs.replace(change, change=kind, old_path=before.old_path if before else None)
    for one in edited[:MAX_CHANGES]:
        place, done = resolved(text_of(one.get("path")), None), text_of(one.get("kind"))
        if place is None or len(place) > MAX_PATH_CHARS:
            continue
        change = known.get(place) or Change(path=place, change="modify")
        if done == "create":
            change = msgspec.structs.replace(change, change="add")
        elif done == "delete":
            change = Change(path=place, change="delete")
        known[place] = change
    return _of_others(known.values())


def _in_diff(diff: str) -> dict[str, Change]:
    """Returns the changes in a diff of several files, by path."""
    found = {}
    for part in _PARTS.split(diff):
        if header := _FILE.match(part):
            path = f"/{header['new'].lstrip('/')}"
            found[path] = _made(path, hunks_in(part), _KIND.search(part.partition("\n@@ ")[0]))
    return found


def _made(path: str, hunks: list[Hunk], kind: re.Match[str] | None) -> Change:
    if kind is not None and kind[1] == "deleted":
        return Change(path=path, change="delete")
    change = patched(Change(path=path, change="modify"), hunks)
    return change if kind is None else msgspec.structs.replace(change, change="add")


def _of_others(changes: Iterable[Change]) -> tuple[Change, ...]:
    return tuple(change for change in changes if not is_own_file(change.path))[:MAX_CHANGES]
