"""What a command does, or would do, to a file of the user's."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from carryover.edits import apply

Does = Literal["created", "changed", "removed"]


class PlannedChange(NamedTuple):
    """A planned edit of one file."""

    path: Path
    what: str
    """The edited content, for people: `hooks of Claude Code`."""
    does: Does
    changes: bool
    """Whether it would write anything."""
    problem: str | None
    """Why the file is left alone and what to do, in whole sentences; None if it can be edited."""
    diff: str = ""
    """What it would change; only in a dry run."""


class FileChange(NamedTuple):
    """The result of one edit."""

    path: str
    why: str
    outcome: apply.Outcome
    problem: str | None


def planned_change(edit: apply.Edit, *, with_diff: bool) -> PlannedChange:
    """Describes an edit that is not carried out yet."""
    if edit.before is None:
        does: Does = "created"
    else:
        does = "removed" if edit.after is None else "changed"
    diff = apply.diff(edit) if with_diff else ""
    return PlannedChange(edit.path, edit.change.what, does, edit.changes, edit.problem, diff)


def file_change(done: apply.Applied) -> FileChange:
    """Describes an edit that was carried out."""
    return FileChange(str(done.edit.path), done.edit.change.what, done.outcome, done.problem)
