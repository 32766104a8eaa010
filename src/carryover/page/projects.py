"""Lists the projects, each with the agent that worked last and what it waits for. Read-only and blocking."""

from __future__ import annotations

import glob
import sqlite3
from pathlib import PurePath
from typing import Final, NamedTuple

from carryover.agents import agent_name
from carryover.config import Config
from carryover.distill.digest import Digest
from carryover.distill.sections.next_action import LASTS_MS, Limit
from carryover.distill.sections.quoting import last_words
from carryover.export.quoting import one_line
from carryover.ingest.scan import MS_PER_DAY
from carryover.ledger.queries import ProjectRow, projects, session_counts, work_sessions
from carryover.page.answers import Project, Projects, Reset
from carryover.publish.project_view import session_digest
from carryover.views.limits import limited_projects, reset_time_ms

_MOST_WAITING: Final = 50
"""How many of the newest projects are asked what they wait for."""
_QUESTION_CHARS: Final = 300


class _Waiting(NamedTuple):
    """What for, since when (UTC ms), and with which question."""

    what: str
    since_ms: int
    question: str = ""


def listed_projects(db: sqlite3.Connection, config: Config, *, now_ms: int) -> Projects:
    """Returns all projects that have a session, newest work first."""
    found = limited_projects(db, (), since_ms=now_ms - LASTS_MS, now_ms=now_ms)
    limits = {project.root: project.limit for project in found}
    counts = session_counts(db)
    oldest_ms = now_ms - config.publish.active_days * MS_PER_DAY
    return Projects(
        tuple(
            _project(
                db,
                row,
                sessions=counts.get(row.id, 0),
                limit=limits.get(row.root),
                is_paused=config.paused or glob.escape(row.root) in config.projects.exclude,
                may_wait=place < _MOST_WAITING and row.last_event_ms >= oldest_ms,
            )
            for place, row in enumerate(projects(db))
        )
    )


def _project(
    db: sqlite3.Connection, row: ProjectRow, *, sessions: int, limit: Limit | None, is_paused: bool, may_wait: bool
) -> Project:
    newest = next(iter(work_sessions(db, row.id, limit=1)), None)
    waits = _Waiting("", 0)
    if limit is not None:
        waits = _Waiting("a limit", limit.at_ms)
    elif may_wait and newest is not None:
        waits = _waiting(session_digest(db, newest))
    return Project(
        id=row.id,
        root=row.root,
        name=PurePath(row.root).name or row.root,
        agent=newest.agent if newest is not None else "",
        agent_name=agent_name(newest.agent, newest.machine) if newest is not None else "",
        last_ms=row.last_event_ms,
        waits_for=waits.what,
        waits_since_ms=waits.since_ms,
        asks=one_line(waits.question)[:_QUESTION_CHARS],
        sessions=sessions,
        is_paused=is_paused,
        has_handoff=row.handoff_ms is not None,
        limit=reset_of(limit) if limit is not None else None,
    )


def reset_of(limit: Limit) -> Reset:
    """Returns when the limit resets, as far as the agent's message says."""
    return Reset(limit.agent, (reset_time_ms(limit.resets, limit.at_ms) if limit.resets else None) or 0)


def _waiting(digest: Digest) -> _Waiting:
    """Says what the session waits for, as far as records show; nothing while the agent is at work."""
    turn = digest.turn
    if turn is None:
        return _Waiting("", 0)
    if digest.proposal is not None and digest.proposal.accepted is None and digest.proposal.turn == turn.number:
        return _Waiting("approval", digest.proposal.at_ms)
    if digest.questions:
        return _Waiting("you", digest.questions[-1].at_ms, digest.questions[-1].text)
    if turn.end in ("answered", "interrupted", "error"):
        return _Waiting("you", turn.last_ms, last_words(turn).question)
    return _Waiting("", 0)
