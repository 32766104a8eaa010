"""Finds the sessions behind a commit, for `carryover why COMMIT`. Blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from carryover.distill.calls import committed
from carryover.ledger.codec import may_be, read_body
from carryover.ledger.rows import ProjectRow
from carryover.model import ToolResult
from carryover.probe.git_history import Commit
from carryover.views.commit_links import WHOLE_SECOND_MS, Links
from carryover.views.file_history import Change, edits_of, turns_of

MOST_FILES: Final = 200
_AROUND_MS: Final = 60_000
"""Maximum difference between the recorded time of a `git commit` and the time of its commit."""

_RESULTS: Final = f"""SELECT session.agent, session.native_id, machine, event.at_ms, event.body
    FROM session JOIN thread ON thread.session_id = session.id JOIN event ON event.thread_id = thread.id
    WHERE session.project_id = :project AND session.started_ms <= :until AND session.last_ms >= :since
    AND event.at_ms BETWEEN :since AND :until AND event.retracted = 0 AND {may_be("tool_result")}"""


class Committer(msgspec.Struct, frozen=True, kw_only=True):
    """A session whose own `git commit` made a commit."""

    at_ms: int
    agent: str
    session: str
    """The agent's own id."""
    machine: str | None
    """The other machine that recorded the session; None if this one did."""


class CommitHistory(msgspec.Struct, frozen=True, kw_only=True):
    """A commit and the recorded work in it."""

    commit: Commit
    made_by: Committer | None
    """None if no recorded session ran the `git commit`."""
    turns: tuple[Change, ...]
    """The turns that changed its files since these were committed before; one entry per turn and file, newest first."""


def commit_history(db: sqlite3.Connection, project: ProjectRow, commits: Sequence[Commit]) -> CommitHistory:
    """Returns the recorded work in the first of `commits`, which is followed by the commits before it."""
    commit, links = commits[0], Links(commits)
    turns: list[Change] = []
    for name in commit.files[:MOST_FILES]:
        since, until = links.before(commit, name), commit.committed_ms + WHOLE_SECOND_MS
        edits = edits_of(db, project, str(Path(project.root, name)))
        turns += turns_of(db, {key: each for key, each in edits.items() if since < each[0].at_ms <= until})
    turns.sort(key=lambda change: change.at_ms, reverse=True)
    return CommitHistory(commit=commit, made_by=_committer(db, project, commit, links), turns=tuple(turns))


def _committer(db: sqlite3.Connection, project: ProjectRow, commit: Commit, links: Links) -> Committer | None:
    values = {
        "project": project.id,
        "since": commit.authored_ms - _AROUND_MS,
        "until": commit.committed_ms + _AROUND_MS,
    }
    for agent, session, machine, at_ms, stored in db.execute(_RESULTS, values):
        body = read_body(db, stored)
        made = committed(body) if isinstance(body, ToolResult) else ()
        if any(links.of_command(short, subject, at_ms) is commit for short, subject in made):
            return Committer(at_ms=at_ms, agent=agent, session=session, machine=machine or None)
    return None
