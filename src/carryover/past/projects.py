"""Which projects are recorded, what each waits for, and of one its handoff with sources. Blocks."""

from __future__ import annotations

import sqlite3
from pathlib import Path, PurePath
from typing import Final

import msgspec

from carryover.agents import agent_name
from carryover.config import Config
from carryover.distill.digest import Gist
from carryover.distill.goals import newest_goal_of
from carryover.distill.limit import Limit
from carryover.distill.pastes import typed_words
from carryover.distill.quotes import estimated_tokens
from carryover.distill.sections.quoting import last_words
from carryover.distill.trail import is_running
from carryover.export.quoting import quoted_line
from carryover.facts import is_foreign
from carryover.ledger.queries import newest_session, project_by_id, projects, session_counts
from carryover.ledger.rows import ProjectRow
from carryover.past.titles import titled
from carryover.past.types import Project, ProjectHandoff, Projects, TurnState
from carryover.probe.patterns import names_alone
from carryover.projects.handoff_file import IN_PROJECT
from carryover.publish.digests import session_gist
from carryover.publish.limits import limited_projects, resets_ms
from carryover.publish.make import made_handoff
from carryover.publish.printed import printed
from carryover.publish.project_view import UnknownProject
from carryover.text.reset_times import LASTS_MS

__all__ = ["ProjectRow", "UnknownProject"]
_MOST_READ: Final = 500
"""Of how many of the newest projects the newest session is read: what it is about, and what it waits for."""
_QUESTION_CHARS: Final = 300
_ABOUT_CHARS: Final = 200


def listed_projects(
    db: sqlite3.Connection, config: Config, *, now_ms: int, transcripts: int = 0, unread: int = 0
) -> Projects:
    """Returns all projects that have a session, newest work first, with what is known of the transcripts."""
    limits = limited_projects(db, (), since_ms=now_ms - LASTS_MS, now_ms=now_ms)
    counts = session_counts(db)
    listed = []
    for place, row in enumerate(projects(db)):
        newest = newest_session(db, row.id)
        digest, title = Gist(), newest.title or "" if newest is not None else ""
        if newest is not None and place < _MOST_READ:
            digest = session_gist(db, newest)
            title = titled(db, newest, digest)
        waiting = _waiting_now(row, digest, limits.get(row.root), config, now_ms)
        project = Project(
            id=row.id,
            root=row.root,
            name=PurePath(row.root).name or row.root,
            agent=newest.agent if newest is not None else "",
            agent_name=agent_name(newest.agent, newest.machine) if newest is not None else "",
            last_ms=newest.last_ms if newest is not None else row.last_event_ms,
            about=_about(digest) or quoted_line(title)[:_ABOUT_CHARS],
            state=_state(digest, now_ms),
            waits_for=waiting.what,
            waits_since_ms=waiting.since_ms,
            asks=quoted_line(waiting.question)[:_QUESTION_CHARS],
            sessions=counts.get(row.id, 0),
            is_paused=config.paused or any(names_alone(pattern, row.root) for pattern in config.projects.exclude),
            resets_ms=waiting.resets_ms,
        )
        listed.append(project)
    newest_first = tuple(sorted(listed, key=lambda project: project.last_ms, reverse=True))
    return Projects(newest_first, transcripts, unread)


def project_here(db: sqlite3.Connection, project_id: int) -> ProjectRow:
    """Returns a project of this machine. Raises UnknownProject if there is none with this id."""
    row = project_by_id(db, project_id)
    if row is None or is_foreign(row.root):
        raise UnknownProject(project_id)
    return row


class _Waiting(msgspec.Struct, frozen=True):
    """What a project waits for, since when (UTC ms), its question, and when a limit resets."""

    what: str = ""
    since_ms: int = 0
    question: str = ""
    resets_ms: int = 0


def _about(digest: Gist) -> str:
    """Returns the newest prompt that states a goal, or else the newest with any words, on one line."""
    goal = newest_goal_of(digest)
    return quoted_line(typed_words(goal.prompt) or goal.prompt)[:_ABOUT_CHARS] if goal is not None else ""


def _state(digest: Gist, now_ms: int) -> TurnState:
    """Returns how the newest turn stands; "open" for one of which no end is recorded."""
    if digest.turn is None:
        return ""
    if digest.turn.end in ("", "answered"):
        if _waiting(digest).what:
            return "asked"
        if any(is_running(job, now_ms) for job in digest.jobs):
            return "running"
    return digest.turn.end or "open"


def _waiting_now(row: ProjectRow, digest: Gist, limit: Limit | None, config: Config, now_ms: int) -> _Waiting:
    """Returns what a project waits for: for a limit to reset, or what its newest session does, if it is active."""
    if limit is not None:
        return _Waiting("a limit", limit.at_ms, resets_ms=resets_ms(limit))
    is_active = row.last_event_ms >= now_ms - config.publish.active_ms
    return _waiting(digest) if is_active else _Waiting()


def _waiting(digest: Gist) -> _Waiting:
    """Returns what the session waits for.

    A turn that is over and asks nothing waits for nobody: otherwise every project would.
    """
    turn, proposal = digest.turn, digest.proposal
    if turn is None:
        return _Waiting()
    if proposal is not None and proposal.accepted is None and proposal.turn == turn.number:
        return _Waiting("approval", proposal.at_ms)
    if digest.questions:
        return _Waiting("you", digest.questions[-1].at_ms, digest.questions[-1].text)
    is_over = turn.end not in ("", "limit")
    question = last_words(turn).question if is_over else ""
    return _Waiting("you", turn.last_ms, question) if question else _Waiting()


def project_handoff(db: sqlite3.Connection, project: ProjectRow, config: Config, *, now_ms: int) -> ProjectHandoff:
    """Returns the handoff as it would be made now. Asks git."""
    made = made_handoff(db, project.id, config, now_ms=now_ms)
    return ProjectHandoff(
        handoff=printed(made) if made.text is not None else None,
        path="" if project.refusal is not None else str(Path(made.root, IN_PROJECT)),
        tokens=estimated_tokens(made.text or ""),
        refusal=project.refusal or "",
    )
