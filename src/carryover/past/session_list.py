"""Answers with a page of recorded sessions, of one project or of all. Read-only and blocking."""

from __future__ import annotations

import sqlite3
from typing import Final

from carryover.agents import agent_name
from carryover.export.quoting import one_line
from carryover.facts import is_foreign
from carryover.ledger.queries import Page, SessionRow, page_of_sessions, sessions_by_agent
from carryover.past.answers import AgentSessions, ListedSession, SessionsAnswer
from carryover.past.session_entries import titled
from carryover.publish.project_view import session_digest

Wanted = Page
"""Which sessions are asked for."""
MOST_LISTED: Final = 200
_TITLE_CHARS: Final = 200


def listed(db: sqlite3.Connection, wanted: Wanted, *, limit: int) -> SessionsAnswer:
    """Returns the newest sessions that are wanted."""
    limit = max(1, min(limit, MOST_LISTED))
    rows = page_of_sessions(db, wanted, limit=limit + 1)
    shown = rows[:limit]
    return SessionsAnswer(
        sessions=tuple(_listed(db, row) for row in shown),
        after=(shown[-1].last_ms, shown[-1].id) if len(rows) > limit else None,
        agents=tuple(AgentSessions(*each) for each in sessions_by_agent(db, wanted.project_id).items()),
    )


def _listed(db: sqlite3.Connection, row: SessionRow) -> ListedSession:
    digest = session_digest(db, row)
    return ListedSession(
        agent=row.agent,
        agent_name=agent_name(row.agent, row.machine),
        session=row.native_id,
        title=one_line(titled(row, digest))[:_TITLE_CHARS],
        root=row.root or "",
        project=here(row),
        started_ms=row.started_ms,
        last_ms=row.last_ms,
        turns=digest.prompts,
        files=len(digest.touched),
        tests=digest.runs[-1].run.status if digest.runs else "",
    )


def here(row: SessionRow) -> int:
    """Returns the id of the session's project; 0 if it belongs to none of this machine."""
    return row.project_id if row.project_id is not None and not is_foreign(row.root or "") else 0
