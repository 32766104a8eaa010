"""What the ledger holds of one project's work: digests of its sessions, worktrees. Read-only and blocking.

It is read at each change, so every query follows an index and reads a bounded number of rows: it costs the same for a
project of one day and of one year.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from carryover.ledger.codec import decode_body
from carryover.ledger.digests import unpack_digest
from carryover.ledger.rows import LINES, MAX_PROVISIONAL, PROVISIONAL, StoredBody

_MAIN_THREAD: Final = """SELECT id, subagent_id, fold_version, digest FROM thread
    WHERE session_id = ? AND subagent_id = ''"""
_SUB_AGENTS: Final = """SELECT id, subagent_id, fold_version, digest FROM thread
    WHERE session_id = ? AND subagent_id != '' ORDER BY last_ms DESC LIMIT ?"""
_WORKTREES: Final = """SELECT root, last_event_ms FROM project
    WHERE main_root = ? ORDER BY last_event_ms DESC LIMIT ?"""


class ThreadRow(msgspec.Struct, frozen=True, kw_only=True):
    """A thread, its digest as the reducer of that version stored it. `subagent_id` is '' for the main conversation."""

    id: int
    subagent_id: str
    fold_version: int
    digest: bytes


@contextmanager
def snapshot(db: sqlite3.Connection) -> Iterator[None]:
    """All reads inside see the ledger as it was at the first of them."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("ROLLBACK")


def main_thread(db: sqlite3.Connection, session_id: int) -> ThreadRow | None:
    """The session's main conversation; None if only sub-agents are known."""
    return next(_threads(db, _MAIN_THREAD, (session_id,)), None)


def sub_agent_threads(db: sqlite3.Connection, session_id: int, *, limit: int) -> list[ThreadRow]:
    """The session's sub-agents, newest activity first."""
    return list(_threads(db, _SUB_AGENTS, (session_id, limit)))


def _threads(db: sqlite3.Connection, statement: str, values: tuple[int, ...]) -> Iterator[ThreadRow]:
    for thread_id, subagent_id, fold_version, digest in db.execute(statement, values):
        yield ThreadRow(id=thread_id, subagent_id=subagent_id, fold_version=fold_version, digest=unpack_digest(digest))


def stored_bodies(db: sqlite3.Connection, thread_id: int) -> Iterator[StoredBody]:
    """The events of a thread that count, in the order they came."""
    for event_id, at_ms, body in db.execute(LINES, (thread_id,)):
        yield StoredBody(event_id, at_ms, decode_body(body))


def provisional_bodies(db: sqlite3.Connection, session_id: int) -> list[tuple[str, StoredBody]]:
    """What hooks reported of a session before its transcript had it, in order of time, each with its sub-agent.

    The ids are negative, so that none is an event's.
    """
    rows = db.execute(PROVISIONAL, (session_id, MAX_PROVISIONAL)).fetchall()
    return [
        (subagent_id, StoredBody(-row_id, at_ms, decode_body(body)))
        for row_id, subagent_id, at_ms, body in reversed(rows)
    ]


def worktrees(db: sqlite3.Connection, root: str, *, limit: int) -> list[tuple[str, int]]:
    """Root and time of the last event (UTC ms) of the worktrees of the checkout at `root`, newest activity first."""
    return [(path, last_ms) for path, last_ms in db.execute(_WORKTREES, (root, limit))]
