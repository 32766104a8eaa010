"""What a patch changed, from the client's account of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from carryover.agents.codex.wire import ChangeDetail
from carryover.records.changes import Change, hunks_in, patched
from carryover.records.patches import added, place_of, renamed


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
    change = patched(Change(path=place, change="modify"), hunks_in(detail.unified_diff or ""))
    return renamed(change, detail.move_path, cwd) if detail.move_path else change
