"""Which sessions are recorded: of a project or of all. Read-only and blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Final

from msgspec.structs import replace

from carryover.agents import agent_name
from carryover.distill.goals import task_of
from carryover.export.quoting import quoted_line
from carryover.facts import is_foreign
from carryover.ledger import queries
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import sessions_by_agent, short_ids
from carryover.ledger.rows import SessionRow
from carryover.past.context import state_dir
from carryover.past.opened import Want, opened
from carryover.past.titles import titled
from carryover.past.types import Session, SessionPage
from carryover.publish.digests import session_gist

_MOST_LISTED: Final = 200
_TITLE_CHARS: Final = 200


def recorded_sessions(
    root: str | None, *, limit: int, agent: str | None, since_ms: int | None, branch: str | None, most_bytes: int = 0
) -> list[Session]:
    """Returns the newest `limit` sessions of the project at `root`, or of all projects; newest first. `most_bytes`: see
    `opened`."""
    with opened(Want.LISTED, root, most_bytes=most_bytes) as (ledger, project):
        if root is not None and project is None:
            return []
        project_id = project.id if project is not None else None
        rows = queries.sessions(ledger, project_id, limit=limit, agent=agent, since_ms=since_ms, branch=branch)
        return listed(ledger, rows)


def newest_sessions(limit: int) -> list[Session]:
    """Returns the newest sessions of all projects that are in the ledger now. Raises UserError if there is none."""
    with closing(connect_read_only(state_dir().ledger)) as ledger:
        return listed(ledger, queries.sessions(ledger, limit=limit))


def session_page(
    ledger: sqlite3.Connection,
    project_id: int | None = None,
    *,
    limit: int,
    agent: str | None = None,
    since_ms: int | None = None,
    until_ms: int | None = None,
    after: tuple[int, int] | None = None,
) -> SessionPage:
    """Returns the newest sessions of agents, as `queries.sessions` does, with titles that can be shown; at most
    `_MOST_LISTED`."""
    limit = max(1, min(limit, _MOST_LISTED))
    rows = queries.sessions(
        ledger,
        project_id,
        limit=limit + 1,
        agent=agent,
        since_ms=since_ms,
        until_ms=until_ms,
        after=after,
        notes=False,
    )
    shown = rows[:limit]
    return SessionPage(
        sessions=tuple(map(with_short_title, listed(ledger, shown))),
        after=(shown[-1].last_ms, shown[-1].id) if len(rows) > limit else None,
        agents=sessions_by_agent(ledger, project_id),
    )


def listed(ledger: sqlite3.Connection, rows: Sequence[SessionRow]) -> list[Session]:
    """Returns the sessions of `rows`, without those that the daemon has dropped in the meantime."""
    short = short_ids(ledger, (row.native_id for row in rows))
    return [session_of_row(ledger, row, short[row.native_id]) for row in rows if row.native_id in short]


def session_of_row(ledger: sqlite3.Connection, row: SessionRow, short: str) -> Session:
    """Returns a session as it is listed. `short`: the shortest unique prefix of its id."""
    digest = session_gist(ledger, row)
    return Session(
        id=row.native_id,
        short=short,
        agent=row.agent,
        agent_name=agent_name(row.agent, row.machine),
        machine=row.machine or None,
        agent_version=row.agent_version,
        model=row.model,
        project=row.root,
        project_id=project_id_here(row.project_id, row.root),
        branch=row.branch,
        title=titled(ledger, row, digest) or None,
        task=task_of(digest),
        prompts=digest.prompts,
        files=len(digest.touched),
        tests=digest.runs[-1].run.status if digest.runs else "",
        started_ms=row.started_ms,
        last_ms=row.last_ms,
    )


def with_short_title(session: Session) -> Session:
    """Returns the session for a page: with a short title that is safe to show, and without its task."""
    return replace(session, title=quoted_line(session.title or "")[:_TITLE_CHARS], task=None)


def project_id_here(project_id: int | None, root: str | None) -> int:
    """Returns the id of a session's project; 0 if it belongs to none of this machine."""
    return project_id if project_id is not None and not is_foreign(root or "") else 0
