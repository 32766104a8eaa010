"""Removes single events, and what becomes empty with them. Of what several machines report, the own transcript counts.

Everything runs inside the open transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import aiosqlite

from carryover.ledger.batch import Entry, in_parts
from carryover.ledger.search_index import remove_from_index
from carryover.ledger.sessions import mark_changed
from carryover.ledger.threads import Reducer, rebuild

_OF_SESSIONS: Final = """SELECT event.id FROM session JOIN thread ON thread.session_id = session.id
    JOIN event ON event.thread_id = thread.id WHERE machine != '' AND agent = ? AND native_id IN ({marks})"""
_BY_IDENTITY: Final = """SELECT event.id FROM event JOIN thread ON thread.id = thread_id
    JOIN session ON session.id = session_id WHERE machine != '' AND {column} IN ({marks})"""
_PLACES: Final = """SELECT DISTINCT thread.id, session.id, project_id FROM event JOIN thread ON thread.id = thread_id
    JOIN session ON session.id = session_id WHERE event.id IN ({marks})"""
_EMPTY_THREAD: Final = (
    "DELETE FROM thread WHERE id = ? AND NOT EXISTS (SELECT 1 FROM event WHERE thread_id = thread.id)"
)
_IS_EMPTY: Final = "SELECT NOT EXISTS (SELECT 1 FROM thread WHERE session_id = ?)"
_DROP_SESSION: Final = ("DELETE FROM provisional WHERE session_id = ?", "DELETE FROM session WHERE id = ?")


async def displace_foreign(
    db: aiosqlite.Connection, reducer: Reducer, agent: str, entries: Sequence[Entry]
) -> set[int]:
    """Removes what other machines reported of the sessions and events in `entries`, which this machine has read itself.

    Returns the ids of the projects that lose something.
    """
    found: set[int] = set()
    for marks, sessions in in_parts(sorted({entry.event.session for entry in entries})):
        rows = await db.execute_fetchall(_OF_SESSIONS.format(marks=marks), (agent, *sessions))
        found |= {int(event_id) for (event_id,) in rows}
    secondary = [entry.secondary_key for entry in entries if entry.secondary_key is not None]
    for column, identities in (("key", [entry.key for entry in entries]), ("secondary_key", secondary)):
        for marks, some in in_parts(identities):
            rows = await db.execute_fetchall(_BY_IDENTITY.format(column=column, marks=marks), some)
            found |= {int(event_id) for (event_id,) in rows}
    return await remove_events(db, reducer, found)


async def remove_events(db: aiosqlite.Connection, reducer: Reducer, events: Collection[int]) -> set[int]:
    """Removes events by the ids of their rows; threads and sessions left without any go too.

    Returns the ids of the projects affected, which are marked as changed.
    """
    places: set[tuple[int, int, int | None]] = set()
    for marks, some in in_parts(sorted(events)):
        places |= {(int(t), int(s), p) for t, s, p in await db.execute_fetchall(_PLACES.format(marks=marks), some)}
        await remove_from_index(db, f"event.id IN ({marks})", some)
        await db.execute_fetchall(f"DELETE FROM event WHERE id IN ({marks})", some)
    for thread in sorted({thread for thread, _, _ in places}):
        if not (await db.execute(_EMPTY_THREAD, (thread,))).rowcount:
            await rebuild(db, reducer, thread)
    for session in sorted({session for _, session, _ in places}):
        ((is_empty,),) = await db.execute_fetchall(_IS_EMPTY, (session,))
        for statement in _DROP_SESSION if is_empty else ():
            await db.execute_fetchall(statement, (session,))
    projects = {project for _, _, project in places if project is not None}
    await mark_changed(db, sorted(projects), started_ms=0)
    return projects
