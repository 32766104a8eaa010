"""Questions to the ledger about agents, over a read-only connection. Blocking."""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from carryover.ledger.rows import records

# A project's handoff counts for the agent whose session there is the newest.
_BY_AGENT: Final = """SELECT session.agent AS agent, count(*) AS sessions, max(session.last_ms) AS last_event_ms,
    max(CASE WHEN session.last_ms = (SELECT max(last_ms) FROM session AS other
        WHERE other.project_id = session.project_id) THEN project.published_ms END) AS last_handoff_ms
    FROM session LEFT JOIN project ON project.id = session.project_id GROUP BY session.agent ORDER BY session.agent"""


class AgentRow(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger holds of one agent. Times are UTC ms, None where there is none."""

    agent: str
    sessions: int
    last_event_ms: int | None
    last_handoff_ms: int | None


def agents_seen(db: sqlite3.Connection) -> list[AgentRow]:
    """Every agent that has a session."""
    return list(records(AgentRow, db, _BY_AGENT))


def gone_sources(db: sqlite3.Connection) -> int:
    """Transcripts that are no longer on disk; what they said is still in the ledger."""
    (number,) = db.execute("SELECT count(*) FROM source WHERE state = 'gone'").fetchone()
    return int(number)
