"""Builds a project's timeline across agents, newest first, for `carryover log`. Read-only and blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, Literal

import msgspec

from carryover.distill.events.calls import commits_in, test_run_in
from carryover.ledger.queries import session_events, sessions
from carryover.ledger.rows import SessionRow, StoredEvent
from carryover.model import NOTE, AgentSummary, ToolResult, TurnEnd, UserPrompt

MomentKind = Literal["session", "hand-over", "prompt", "commit", "tests", "compaction", "limit"]

MOST_SESSIONS: Final = 5000
_LONGEST_TEXT: Final = 400


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the timeline. `at_ms` is in UTC ms, 0 if unknown."""

    at_ms: int
    agent: str
    session: str
    """The session's id in its agent."""
    kind: MomentKind
    text: str


def timeline(
    db: sqlite3.Connection, project_id: int, *, limit: int, since_ms: int = 0, agent: str | None = None
) -> list[Moment]:
    """Returns the newest `limit` moments of a project since `since_ms` (UTC ms), of one agent or of all, newest first.

    Sessions are read newest first, and only as far back as needed.
    """
    rows = sessions(db, project_id, limit=MOST_SESSIONS)
    before = _predecessors(rows)
    found: list[Moment] = []
    for row in rows:
        if row.last_ms < since_ms or (len(found) >= limit and row.last_ms < found[limit - 1].at_ms):
            break
        if agent is not None and row.agent != agent:
            continue
        found += [moment for moment in _of_session(db, row, before.get(row.id)) if moment.at_ms >= since_ms]
        # Within one millisecond, the last event comes first.
        found.sort(key=lambda moment: moment.at_ms, reverse=True)
    return found[:limit]


def _predecessors(rows: Sequence[SessionRow]) -> dict[int, SessionRow]:
    """Maps each session's row id to the session that began last before it.

    Notes are left out, since nobody takes over from them.
    """
    by_start = sorted((row for row in rows if row.agent != NOTE), key=lambda row: (row.started_ms, row.id))
    return {later.id: earlier for earlier, later in pairwise(by_start)}


def _of_session(db: sqlite3.Connection, row: SessionRow, before: SessionRow | None) -> list[Moment]:
    def moment(at_ms: int, kind: MomentKind, text: str) -> Moment:
        return Moment(at_ms=at_ms, agent=row.agent, session=row.native_id, kind=kind, text=_first_line(text))

    found = [moment(row.started_ms, "session", row.title or "")]
    if before is not None and before.agent != row.agent:
        found.append(moment(row.started_ms, "hand-over", before.agent))
    found += [moment(at_ms, kind, text) for at_ms, kind, text in _of_events(session_events(db, row))]
    return found[::-1]


def _of_events(events: Iterator[StoredEvent]) -> Iterator[tuple[int, MomentKind, str]]:
    """Yields the timeline entries of the events, in order. Tests are named if they fail, or pass after a failure."""
    failing = False
    for event in events:
        if event.retracted:
            continue
        match event.body:
            case UserPrompt(text=text, command=command, actor="human") if event.subagent_id is None:
                yield event.at_ms, "prompt", f"{command} {text}" if command else text
            case AgentSummary(source="compaction") if event.subagent_id is None:
                yield event.at_ms, "compaction", ""
            case TurnEnd(reason="limit", message=message):
                yield event.at_ms, "limit", message
            case ToolResult() as result:
                yield from ((event.at_ms, "commit", subject) for subject in commits_in(result))
                run = test_run_in(result)
                if run is not None and run.status != "unknown" and failing != (run.status == "fail"):
                    failing = run.status == "fail"
                    yield event.at_ms, "tests", f"{'fail' if failing else 'pass'}: {result.subject}"
            case _:
                pass


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:_LONGEST_TEXT]
