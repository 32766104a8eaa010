"""Asks which session of a project to continue when there are several candidates."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from carryover.actions.recorded import recorded_ledger
from carryover.agents import agent_names
from carryover.distill.trail import did_something, main_step, steps_of, task_of
from carryover.ledger.queries import project_by_root
from carryover.paths import StateDir
from carryover.publish.project_view import project_view
from carryover.terminal.output import ago, one_line
from carryover.terminal.width import fitted, padded

RECENT_MS: Final = 3 * 86_400_000
"""Work untouched for longer than this is not offered."""
TASK_LIMIT: Final = 52
QUESTION: Final = "Which work do you want to continue?"


class OpenWork(NamedTuple):
    """A piece of unfinished work and its newest session."""

    session: str
    agent: str
    last_ms: int
    task: str


def pick_session(state: StateDir, root: str) -> str | None:
    """Returns the session of the work that the user picks; None if it leads anyway or only one is open."""
    if not state.ledger.exists():
        return None
    now_ms = int(time.time() * 1000)
    with recorded_ledger(state) as ledger:
        project = project_by_root(ledger, root)
        found = open_work(ledger, project.id, since_ms=now_ms - RECENT_MS) if project is not None else []
    if len(found) < 2:
        return None
    picked = pick(found, now_ms)
    return picked if picked != found[0].session else None


def open_work(ledger: sqlite3.Connection, project_id: int, *, since_ms: int) -> list[OpenWork]:
    """Returns the open work since `since_ms` (UTC ms): the one that leads the handoff first, then newest first."""
    view, names = project_view(ledger, project_id), agent_names()
    steps = steps_of(view)
    if not steps:
        return []
    lead = main_step(steps).view
    sessions = sorted(view.sessions, key=lambda session: (session is not lead, -session.newest_ms, session.session))
    return [
        OpenWork(
            session.session,
            names.get(session.agent, session.agent) + session.where,
            session.newest_ms,
            task_of(session.digest) or "",
        )
        for session in sessions
        if session is lead or (session.newest_ms >= since_ms and did_something(session.digest))
    ]


def pick(found: Sequence[OpenWork], now_ms: int) -> str:
    """Asks the user and returns the chosen session. Raises KeyboardInterrupt on Ctrl-C."""
    import questionary  # takes longer to import than everything else

    width = max(len(work.agent) for work in found)
    rows = [questionary.Choice(_row(work, width, now_ms), value=work.session) for work in found]
    return str(questionary.select(QUESTION, rows, qmark="", instruction="(arrows, enter)").unsafe_ask())


def _row(work: OpenWork, width: int, now_ms: int) -> str:
    task = padded(fitted(one_line(work.task, TASK_LIMIT), TASK_LIMIT), TASK_LIMIT)
    return f"{task}  {work.agent:<{width}}  {ago(work.last_ms, now_ms)}"
