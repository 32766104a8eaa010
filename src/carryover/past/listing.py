"""Lists recorded sessions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from typing import Any, NamedTuple

from carryover.agents import agent_name
from carryover.ledger.queries import connect_read_only, sessions
from carryover.ledger.rows import SessionRow
from carryover.past.context import state_dir
from carryover.past.opened import Want, opened
from carryover.past.session_entries import listed_sessions, session_entries


class Listed(NamedTuple):
    """A session on a list."""

    data: dict[str, Any]
    """Its list entry; see `session_entry`."""
    agent: str
    """The agent's display name, with the machine that it ran on if that is another."""


def recorded_sessions(
    root: str | None, *, limit: int, agent: str | None, since_ms: int | None, branch: str | None
) -> list[Listed]:
    """Returns the newest `limit` sessions of the project at `root`, or of all projects; newest first."""
    with opened(Want.LISTED, root) as (ledger, _):
        found = listed_sessions(ledger, root, limit=limit, agent=agent, since_ms=since_ms, branch=branch)
    return [_named(entry) for entry in found]


def listed(ledger: sqlite3.Connection, rows: Iterable[SessionRow]) -> list[Listed]:
    """Returns the entries of `rows`, without sessions that the daemon has dropped in the meantime."""
    return [_named(entry) for entry in session_entries(ledger, rows)]


def newest_sessions(limit: int) -> list[Listed]:
    """Returns the newest sessions of all projects that are in the ledger now. Raises UserError if there is none."""
    with closing(connect_read_only(state_dir().ledger)) as ledger:
        found = session_entries(ledger, sessions(ledger, limit=limit))
    return [Listed(entry, agent_name(entry["agent"])) for entry in found]


def _named(entry: dict[str, Any]) -> Listed:
    return Listed(entry, agent_name(entry["agent"], entry["machine"]))
