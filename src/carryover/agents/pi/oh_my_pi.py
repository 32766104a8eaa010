"""What oh-my-pi, a fork of pi, writes into the results of calls (18.2.3). Pure."""

from __future__ import annotations

from typing import Final

from carryover.model import FileEdit, PlanItem
from carryover.records.asked import MOST_ITEMS, plan_items
from carryover.records.changes import Hunk, patched
from carryover.records.lenient import Fields, fields_of, items_of, text_of
from carryover.records.patches import added, patched_path, renamed
from carryover.text.pattern import later

_MOST_FILES: Final = 200
_TOOK: Final = "\n\nWall time: "
_LINE: Final = later(r"([ +-])(\d{1,9})\|(.*)")
"""A line of its diff: each has its number, and no hunk has a header."""


def edits_in(details: Fields, cwd: str | None) -> list[FileEdit]:
    """Returns what the result of an edit says was changed: the arguments are a text in a language of its own."""
    several = [fields_of(one) for one in items_of(details.get("perFileResults"))[:_MOST_FILES]]
    edits = (_edit(one, cwd) for one in several or [details])
    return [edit for edit in edits if edit is not None]


def _edit(result: Fields, cwd: str | None) -> FileEdit | None:
    op, to = text_of(result.get("op")), text_of(result.get("path"))
    moved_from = text_of(result.get("sourcePath"))
    path = patched_path(moved_from or to, cwd) if op else None
    if path is None:
        return None
    if op == "delete":
        return FileEdit(path=path, change="delete")
    if op == "create":
        return added(path, text_of(result.get("newText")))
    edit = patched(path, _hunks(text_of(result.get("diff"))))
    return renamed(edit, to, cwd) if moved_from else edit


def _hunks(diff: str) -> list[Hunk]:
    """Returns the hunks of a diff. A line without a number, which stands for lines left out, ends a hunk."""
    hunks: list[Hunk] = []
    goes_on = False
    for line in diff.splitlines():
        found = _LINE.fullmatch(line)
        if found is not None and not goes_on:
            hunks.append(Hunk(new_start=int(found[2])))
        if found is not None:
            hunks[-1].lines.append(found[1] + found[3])
        goes_on = found is not None
    return hunks


def todo_in(details: Fields) -> tuple[PlanItem, ...]:
    """Returns the whole todo list, which the result of each call of `todo` has in phases."""
    phases = [fields_of(phase) for phase in items_of(details.get("phases"))[:MOST_ITEMS]]
    found = [item for phase in phases for item in plan_items(phase.get("tasks"), "content")]
    return tuple(found[:MOST_ITEMS])


def without_time(output: str) -> str:
    r"""Returns the output of a command without the line that says how long it took.

    >>> without_time("2 failed\n\nWall time: 0.67 seconds\n\nCommand exited with code 1")
    '2 failed\n\nCommand exited with code 1'
    """
    printed, took, rest = output.rpartition(_TOOK)
    _, line_end, after = rest.partition("\n")
    return f"{printed}{line_end}{after}" if took else output
