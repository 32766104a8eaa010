"""How much of the ledger each session takes, for what limits its size. Read-only and blocking."""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from carryover.ledger.rows import records

_EVENT_BYTES: Final = 120
"""What an event takes beside its body: its row, keys and indexes, about."""

_SIZES: Final = f"""SELECT agent, native_id, project_id, last_ms,
    (SELECT coalesce(sum(length(body) + {_EVENT_BYTES}), 0) FROM thread JOIN event ON event.thread_id = thread.id
        WHERE thread.session_id = session.id)
    FROM session ORDER BY last_ms, id"""
_USED: Final = """SELECT (page_count - freelist_count) * page_size
    FROM pragma_page_count, pragma_freelist_count, pragma_page_size"""


class SessionSize(msgspec.Struct, frozen=True, kw_only=True):
    """A session, the time of its last event (UTC ms, 0 if unknown), and about how many bytes it takes."""

    agent: str
    native_id: str
    project_id: int | None
    last_ms: int
    bytes: int


def session_sizes(db: sqlite3.Connection) -> list[SessionSize]:
    """Every session, oldest activity first. Looks at every event."""
    return list(records(SessionSize, db, _SIZES))


def used_bytes(db: sqlite3.Connection) -> int:
    """The size of the ledger without free pages."""
    ((used,),) = db.execute(_USED).fetchall()
    return int(used)
