"""Other work in the project: other lines of work, and other checkouts with their own handoff."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from carryover.distill.clip import clip
from carryover.distill.language.announcements import CLOSING_WORDS
from carryover.distill.language.prose import flat
from carryover.distill.relative_time import before
from carryover.distill.sections.entry import Entry, entry_of
from carryover.distill.view import ProjectView
from carryover.distill.work.state import Line

_MOST: Final = 3
"""Of each kind."""


def parallel_work_entries(
    view: ProjectView, work: Line, others: Iterable[Line], agents: Mapping[str, str], at_ms: int
) -> list[Entry]:
    """The goals of the other lines of which something is left, newest first, and where that was; then worktrees.

    `agents`: the names of the sessions' agents.
    """
    entries = []
    for line in filter(_is_left_open, others):
        if line.goal is None or line.goal == work.former_goal:
            continue
        next_was = next((item for item in line.announced if item.rule != CLOSING_WORDS), None)
        agent = agents.get(line.goal.session, "")
        when = before(line.at_ms, at_ms)
        left = f" (next was: {clip(next_was.text, chars=80)})" if next_was is not None else ""
        entries.append(
            entry_of(line.goal, f"{agent + ', ' if agent else ''}{when}: {clip(flat(line.goal.text), chars=160)}{left}")
        )
    trees = [
        Entry(
            text=f"Worktree {tree.root} has its own handoff ({before(tree.last_event_ms, at_ms)})",
            rule="worktree of the repository",
        )
        for tree in view.worktrees
    ]
    return entries[:_MOST] + trees[:_MOST]


def _is_left_open(line: Line) -> bool:
    """Something of it was announced, asked, or cut off."""
    announced = any(item.rule != CLOSING_WORDS for item in line.announced)
    return announced or bool(line.questions or line.step_waits or line.interrupted)
