"""A thread's row with its digest, which is rebuilt when the reducer or the events have changed.

The ledger does not know what a digest is: it stores what the reducer it was opened with makes of a thread's events.
Whether events arrive or are read back, the reducer sees exactly what is stored, so a rebuilt digest equals one that
grew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

import aiosqlite
import msgspec

from carryover.ledger.codec import decode_body, pack_digest, unpack_digest
from carryover.ledger.rows import StoredBody
from carryover.ledger.sessions import mark_changed
from carryover.model import Event

NO_DIGEST: Final = b""
"""The digest of a thread without events."""
NEVER_REDUCED: Final = 0
"""A version that no reducer has, for threads whose digest has yet to be made."""

_EVENTS_PER_READ: Final = 500

_FIND: Final = "SELECT id, fold_version, digest FROM thread WHERE session_id = ? AND subagent_id = ?"
_OPEN: Final = "INSERT INTO thread (session_id, subagent_id, fold_version, digest) VALUES (?, ?, ?, ?)"
# The inner query reads an index alone, and of most ledgers it finds nothing.
_OUTDATED: Final = """SELECT id FROM thread WHERE id IN (SELECT id FROM thread WHERE fold_version != ?)
    ORDER BY last_ms DESC LIMIT 1"""
_OF_ID: Final = """SELECT session.native_id, subagent_id FROM thread JOIN session ON session.id = session_id
    WHERE thread.id = ?"""


# On one connection, these note threads with a changed or removed event.
_FOLLOW: Final = (
    "CREATE TEMP TABLE touched (thread_id INTEGER PRIMARY KEY)",
    """CREATE TEMP TRIGGER event_changed AFTER UPDATE OF body, retracted ON event
        WHEN OLD.retracted = 0 OR NEW.retracted = 0
        BEGIN INSERT OR IGNORE INTO touched VALUES (NEW.thread_id); END""",
    """CREATE TEMP TRIGGER event_removed AFTER DELETE ON event
        BEGIN INSERT OR IGNORE INTO touched VALUES (OLD.thread_id); END""",
)
_TOUCHED: Final = """SELECT thread.id, session.id, project_id, EXISTS (SELECT 1 FROM event WHERE thread_id = thread.id)
    FROM touched CROSS JOIN thread ON thread.id = touched.thread_id JOIN session ON session.id = session_id"""
_DROP_EMPTY_SESSION: Final = """DELETE FROM session WHERE id = :id
    AND NOT EXISTS (SELECT 1 FROM thread WHERE session_id = :id)
    AND NOT EXISTS (SELECT 1 FROM provisional WHERE session_id = :id)"""


class Reducer(Protocol):
    """Folds the events of one thread into a digest. Pure, and blocking: about 50 µs per event."""

    @property
    def version(self) -> int:
        """A number above 0 that changes whenever the same events would make another digest."""

    def can_read(self, digest: bytes) -> bool:
        """Whether a digest of this version can be extended."""

    def reduce(self, digest: bytes, events: Iterable[Event]) -> bytes:
        """Returns the digest after `events`, in order. The first digest is `NO_DIGEST`."""


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """A thread in the ledger. `session` is the agent's own id, `subagent_id` '' for the main conversation."""

    id: int
    session: str
    subagent_id: str
    digest: bytes = NO_DIGEST


async def open_thread(
    db: aiosqlite.Connection, reducer: Reducer, session_id: int, session: str, subagent_id: str
) -> Thread:
    """Returns the thread's row, creating it if necessary. A digest of another version is rebuilt."""
    rows = list(await db.execute_fetchall(_FIND, (session_id, subagent_id)))
    if not rows:
        await db.execute_fetchall(_OPEN, (session_id, subagent_id, reducer.version, NO_DIGEST))
        rows = list(await db.execute_fetchall(_FIND, (session_id, subagent_id)))
    ((thread_id, version, stored),) = rows
    digest = unpack_digest(stored)
    thread = Thread(id=thread_id, session=session, subagent_id=subagent_id, digest=digest)
    if version == reducer.version and reducer.can_read(digest):
        return thread
    return await rebuild(db, reducer, thread_id)


async def reduce_on(db: aiosqlite.Connection, reducer: Reducer, thread: Thread, events: Sequence[StoredBody]) -> Thread:
    """Folds `events` into the thread's digest and stores it."""
    thread = await _reduced(reducer, thread, events)
    await _store_digest(db, reducer, thread, last_ms=max((event.at_ms for event in events), default=0))
    return thread


async def rebuild(db: aiosqlite.Connection, reducer: Reducer, thread_id: int) -> Thread:
    """Folds all events of a thread again, in the order they came, without those that no longer count."""
    ((session, subagent_id),) = await db.execute_fetchall(_OF_ID, (thread_id,))
    thread = Thread(id=thread_id, session=session, subagent_id=subagent_id)
    last_ms, after = 0, 0
    while events := await _events_after(db, thread.id, after):
        thread = await _reduced(reducer, thread, events)
        after = events[-1].event_id
        last_ms = max(last_ms, *(event.at_ms for event in events))
    # Not only raised: a retracted event may have been the newest.
    await db.execute_fetchall("UPDATE thread SET last_ms = 0 WHERE id = ?", (thread.id,))
    await _store_digest(db, reducer, thread, last_ms=last_ms)
    return thread


async def follow_events(db: aiosqlite.Connection) -> None:
    """Notes for `settle` which threads are changed on this connection."""
    for statement in _FOLLOW:
        await db.execute_fetchall(statement)


async def settle(db: aiosqlite.Connection, reducer: Reducer) -> set[int]:
    """Rebuilds the digests of threads whose events were changed or removed in this transaction.

    Threads and sessions left without events are removed. Returns the ids of the projects affected, which are marked as
    changed.
    """
    rows = list(await db.execute_fetchall(_TOUCHED))
    if not rows:
        return set()
    await db.execute_fetchall("DELETE FROM touched")
    for thread_id, session_id, _, has_events in rows:
        if has_events:
            await rebuild(db, reducer, thread_id)
        else:
            await db.execute_fetchall("DELETE FROM thread WHERE id = ?", (thread_id,))
            await db.execute_fetchall(_DROP_EMPTY_SESSION, {"id": session_id})
    projects = {int(project) for _, _, project, _ in rows if project is not None}
    await mark_changed(db, sorted(projects), started_ms=0)
    return projects


async def rebuild_outdated(db: aiosqlite.Connection, reducer: Reducer) -> bool:
    """Rebuilds the newest digest that another version of the reducer made; returns whether there was one."""
    rows = list(await db.execute_fetchall(_OUTDATED, (reducer.version,)))
    for (thread_id,) in rows:
        await rebuild(db, reducer, thread_id)
    return bool(rows)


async def _reduced(reducer: Reducer, thread: Thread, events: Sequence[StoredBody]) -> Thread:
    given = [event.of(thread.session, thread.subagent_id) for event in events]
    return msgspec.structs.replace(thread, digest=await asyncio.to_thread(reducer.reduce, thread.digest, given))


async def _store_digest(db: aiosqlite.Connection, reducer: Reducer, thread: Thread, *, last_ms: int) -> None:
    await db.execute_fetchall(
        "UPDATE thread SET digest = ?, fold_version = ?, last_ms = max(last_ms, ?) WHERE id = ?",
        (pack_digest(thread.digest), reducer.version, last_ms, thread.id),
    )


async def _events_after(db: aiosqlite.Connection, thread_id: int, after: int) -> list[StoredBody]:
    rows = await db.execute_fetchall(
        "SELECT id, at_ms, body FROM event WHERE thread_id = ? AND id > ? AND retracted = 0 ORDER BY id LIMIT ?",
        (thread_id, after, _EVENTS_PER_READ),
    )
    return await asyncio.to_thread(_decoded, [(event_id, at_ms, body) for event_id, at_ms, body in rows])


def _decoded(rows: Iterable[tuple[int, int, str | bytes]]) -> list[StoredBody]:
    return [StoredBody(event_id, at_ms, decode_body(body)) for event_id, at_ms, body in rows]
