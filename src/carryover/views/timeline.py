"""Builds a project's timeline across agents, newest first, for `carryover log`. Read-only and blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, Literal

import msgspec

from carryover.distill.events.calls import committed, test_run_in
from carryover.ledger.queries import session_events, sessions
from carryover.ledger.rows import SessionRow, StoredEvent
from carryover.model import NOTE, AgentSummary, FileEdit, ToolResult, TurnEnd, UserPrompt
from carryover.probe.git_history import Commit
from carryover.views.commit_links import How, Links, path_in_project

MomentKind = Literal["session", "note", "hand-over", "prompt", "commit", "tests", "compaction", "limit"]

MOST_SESSIONS: Final = 5000
_LONGEST_TEXT: Final = 400
_COMMITTED_AFTER_MS: Final = 3_600_000
"""How long after a session a commit with its edits is still shown with it."""


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the timeline. `at_ms` is in UTC ms, 0 if unknown."""

    at_ms: int
    agent: str
    session: str
    """The session's id in its agent."""
    kind: MomentKind
    text: str
    """First line of a prompt, title or subject; command of tests; for a hand-over the id of the agent before."""
    commit: str | None = None
    """Id of a commit: in full, or abbreviated if git does not have it."""
    how: How | None = None
    """How a commit belongs to the session; None for other moments."""
    machine: str | None = None
    """The other machine that recorded the session; None if this one did."""


def timeline(
    db: sqlite3.Connection,
    project_id: int,
    *,
    limit: int,
    since_ms: int = 0,
    agent: str | None = None,
    commits: Iterable[Commit] = (),
) -> list[Moment]:
    """Returns the newest `limit` moments of a project since `since_ms` (UTC ms), of one agent or of all, newest first.

    Sessions are read newest first, and only as far back as needed. `commits` are the commits of its repository.
    """
    rows = sessions(db, project_id, limit=MOST_SESSIONS)
    before, links = _predecessors(rows), Links(commits)
    found: list[Moment] = []
    for row in rows:
        if row.last_ms + _COMMITTED_AFTER_MS < since_ms or (
            len(found) >= limit and row.last_ms + _COMMITTED_AFTER_MS < found[limit - 1].at_ms
        ):
            break
        if agent is not None and row.agent != agent:
            continue
        found += [moment for moment in _of_session(db, row, before.get(row.id), links) if moment.at_ms >= since_ms]
        # Within one millisecond, the last event comes first.
        found.sort(key=lambda moment: moment.at_ms, reverse=True)
    return found[:limit]


def _predecessors(rows: Sequence[SessionRow]) -> dict[int, SessionRow]:
    """Maps each session's row id to the session that began last before it.

    Notes are left out, since nobody takes over from them.
    """
    by_start = sorted((row for row in rows if row.agent != NOTE), key=lambda row: (row.started_ms, row.id))
    return {later.id: earlier for earlier, later in pairwise(by_start)}


def _of_session(db: sqlite3.Connection, row: SessionRow, before: SessionRow | None, links: Links) -> list[Moment]:
    """Returns the moments of one session, newest first."""

    def moment(at_ms: int, kind: MomentKind, text: str) -> Moment:
        return Moment(
            at_ms=at_ms,
            agent=row.agent,
            session=row.native_id,
            kind=kind,
            text=_first_line(text),
            machine=row.machine or None,
        )

    found = [moment(row.started_ms, "note" if row.agent == NOTE else "session", row.title or "")]
    if before is not None and row.agent not in (before.agent, NOTE):
        found.append(moment(row.started_ms, "hand-over", before.agent))
    events = [event for event in session_events(db, row) if not event.retracted]
    found += [moment(at_ms, kind, text) for at_ms, kind, text in _of_events(events)]
    found += _commits(row, events, links)
    return found[::-1]


def _commits(row: SessionRow, events: Iterable[StoredEvent], links: Links) -> Iterator[Moment]:
    """Yields the commits that the session made, and other commits that contain its edits."""

    def moment(at_ms: int, commit: str, subject: str, how: How) -> Moment:
        text = _first_line(subject)
        return Moment(
            at_ms=at_ms,
            agent=row.agent,
            session=row.native_id,
            kind="commit",
            text=text,
            commit=commit,
            how=how,
            machine=row.machine or None,
        )

    own, others = set(), {}
    roots = (row.root, row.recorded_root)
    for event in events:
        match event.body:
            case ToolResult() as result:
                for short, subject in committed(result):
                    made = links.of_command(short, subject, event.at_ms)
                    own.add(made.id if made is not None else short)
                    yield moment(event.at_ms, made.id if made is not None else short, subject, "command")
            case FileEdit(path=path):
                commit = links.of_edit(path_in_project(path, roots), event.at_ms)
                if commit is not None and commit.authored_ms <= row.last_ms + _COMMITTED_AFTER_MS:
                    others[commit.id] = commit
            case _:
                pass
    for commit in others.values():
        if commit.id not in own:
            yield moment(commit.authored_ms, commit.id, commit.subject, "edits")


def _of_events(events: Iterable[StoredEvent]) -> Iterator[tuple[int, MomentKind, str]]:
    """Yields the timeline entries of the events, in order. Tests are named if they fail, or pass after a failure."""
    failing = False
    for event in events:
        match event.body:
            case UserPrompt(actor="human") as prompt if event.subagent_id is None:
                yield event.at_ms, "prompt", prompt.typed
            case AgentSummary(source="compaction") if event.subagent_id is None:
                yield event.at_ms, "compaction", ""
            case TurnEnd(reason="limit", message=message):
                yield event.at_ms, "limit", message
            case ToolResult() as result:
                run = test_run_in(result)
                if run is not None and run.status != "unknown" and failing != (run.status == "fail"):
                    failing = run.status == "fail"
                    yield event.at_ms, "tests", f"{'fail' if failing else 'pass'}: {result.subject}"
            case _:
                pass


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:_LONGEST_TEXT]
