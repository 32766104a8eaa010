"""What else goes on in the project: other sessions at work, and other checkouts with a handoff of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from carryover.distill.clip import clip
from carryover.distill.prose import flat
from carryover.distill.view import ProjectView, SessionView
from carryover.distill.when import before
from carryover.model import AGENT_NAMES

_MOST: Final = 3
"""Of each kind."""


def at_work_beside(view: ProjectView, chain: Sequence[SessionView]) -> list[SessionView]:
    """Sessions outside the `chain` with a task, that were still at work when its first began, newest first."""
    told = {session.session for session in chain}
    others = [
        session
        for session in view.sessions
        if session.session not in told and session.digest.goal is not None and session.newest_ms >= chain[0].started_ms
    ]
    return sorted(others, key=lambda session: (-session.newest_ms, session.session))[:_MOST]


def also_in_progress(view: ProjectView, others: Sequence[SessionView], at_ms: int) -> list[str]:
    """The tasks of the `others`, then the worktrees."""
    lines = [
        f"{AGENT_NAMES.get(other.agent, other.agent)}, {before(other.newest_ms, at_ms)}: "
        f"{clip(flat(other.digest.goal.text), chars=160)}"
        for other in others
        if other.digest.goal is not None
    ]
    trees = [
        f"Worktree {tree.root} has its own handoff ({before(tree.last_event_ms, at_ms)})" for tree in view.worktrees
    ]
    return lines + trees[:_MOST]
