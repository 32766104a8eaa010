"""Marks events as no longer counting: the user took them back, or a better source reports their session.

Their rows stay so that their keys stay known: reading the records again adds nothing. Everything runs inside the open
transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import aiosqlite
import msgspec

from carryover.ledger.batch import in_parts
from carryover.ledger.rows import RETRACTED, SUPERSEDED
from carryover.ledger.search_index import remove_from_index
from carryover.ledger.sessions import StoredSession
from carryover.ledger.threads import Reducer, rebuild

_OF_SESSION: Final = "event.thread_id IN (SELECT id FROM thread WHERE session_id = ?)"
_THREADS: Final = "SELECT id FROM thread WHERE session_id = ?"
_TOLD_BETTER: Final = f"UPDATE event SET retracted = {SUPERSEDED} WHERE {_OF_SESSION}"
_RESET_SESSION: Final = """UPDATE session SET project_final = 0,
    started_ms = CASE WHEN :first_ms > 0 THEN :first_ms ELSE started_ms END,
    last_ms = CASE WHEN :last_ms > 0 THEN max(:last_ms,
        (SELECT coalesce(max(at_ms), 0) FROM provisional WHERE session_id = :id)) ELSE last_ms END
    WHERE id = :id"""


async def supersede(
    db: aiosqlite.Connection, reducer: Reducer, session: StoredSession, rank: int, *, first_ms: int, last_ms: int
) -> StoredSession:
    """Raises the session to `rank`: what lesser sources reported no longer counts, except facts such as its title.

    `first_ms` and `last_ms` are the times of the better source's events (UTC ms, 0 if unknown). The session's project
    is determined again.
    """
    await db.execute_fetchall("UPDATE session SET rank = ? WHERE id = ?", (rank, session.id))
    session = msgspec.structs.replace(session, rank=rank)
    threads = list(await db.execute_fetchall(_THREADS, (session.id,)))
    if not threads:
        return session
    await remove_from_index(db, _OF_SESSION, (session.id,))
    await db.execute_fetchall(_TOLD_BETTER, (session.id,))
    for (thread_id,) in threads:
        await rebuild(db, reducer, thread_id)
    await db.execute_fetchall(_RESET_SESSION, {"id": session.id, "first_ms": first_ms, "last_ms": last_ms})
    return msgspec.structs.replace(session, final=False, started_ms=first_ms or session.started_ms)


async def retract(db: aiosqlite.Connection, reducer: Reducer, session: StoredSession, keys: Iterable[bytes]) -> bool:
    """Retracts the session's events with these `keys`; returns whether any of them counted.

    A record that is read again may bring events that were lost, or that an older adapter did not extract.
    """
    threads: set[int] = set()
    for marks, some in in_parts(sorted(keys)):
        counting = f"key IN ({marks}) AND retracted = 0"
        found = list(
            await db.execute_fetchall(
                f"{_THREADS} AND id IN (SELECT thread_id FROM event WHERE {counting})", (session.id, *some)
            )
        )
        threads.update(thread_id for (thread_id,) in found)
        if found:
            await remove_from_index(db, f"{counting} AND {_OF_SESSION}", (*some, session.id))
            await db.execute_fetchall(
                f"UPDATE event SET retracted = {RETRACTED} WHERE {counting} AND {_OF_SESSION}", (*some, session.id)
            )
    for thread_id in sorted(threads):
        await rebuild(db, reducer, thread_id)
    return bool(threads)
