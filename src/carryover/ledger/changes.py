"""Changes what is stored: events that the user took back, that a better source reports, or that are emitted again.

What no longer counts keeps its row, so that its key stays known: reading the record again adds nothing. The index and
the digests follow (`search_index.follow_events`, `threads.settle`). Everything runs inside the open transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import aiosqlite
import msgspec

from carryover.adapter.contract import Reemitted
from carryover.ledger.batch import Entry, event_key, in_parts
from carryover.ledger.codec import is_same_body
from carryover.ledger.rows import RETRACTED, SUPERSEDED
from carryover.ledger.sessions import StoredSession

REPLACE: Final = "UPDATE event SET body = ? WHERE id = ?"
_OF_SESSION: Final = "thread_id IN (SELECT id FROM thread WHERE session_id = ?)"
_RETRACT: Final = f"""UPDATE event SET retracted = {RETRACTED}
    WHERE key IN ({{marks}}) AND retracted = 0 AND {_OF_SESSION}"""
_SUPERSEDE: Final = f"UPDATE event SET retracted = {SUPERSEDED} WHERE {_OF_SESSION}"
_RESET_SESSION: Final = """UPDATE session SET project_final = 0,
    started_ms = CASE WHEN :first_ms > 0 THEN :first_ms ELSE started_ms END,
    last_ms = CASE WHEN :last_ms > 0 THEN max(:last_ms,
        (SELECT coalesce(max(at_ms), 0) FROM provisional WHERE session_id = :id)) ELSE last_ms END
    WHERE id = :id"""
_PLACE: Final = "SELECT id FROM event WHERE key = ? AND thread_id = ? AND retracted = 0"
_LAST: Final = "SELECT coalesce(max(id), 0) FROM event"
_STANDING: Final = """SELECT id, key, body FROM event WHERE thread_id = ? AND retracted = 0 AND id > ?
    ORDER BY id LIMIT ?"""
_RETRACT_AFTER: Final = f"UPDATE event SET retracted = {RETRACTED} WHERE thread_id = ? AND retracted = 0 AND id > ?"
_DISPLACE: Final = (
    """DELETE FROM event WHERE thread_id IN (SELECT thread.id FROM session JOIN thread ON session_id = session.id
        WHERE machine != '' AND agent = ? AND native_id IN ({marks}))""",
    """DELETE FROM provisional WHERE session_id IN
        (SELECT id FROM session WHERE machine != '' AND agent = ? AND native_id IN ({marks}))""",
)
_DISPLACE_EVENTS: Final = """DELETE FROM event WHERE {column} IN ({marks})
    AND (SELECT machine FROM thread JOIN session ON session.id = session_id WHERE thread.id = thread_id) != ''"""


async def retract(db: aiosqlite.Connection, session: StoredSession, keys: Iterable[bytes]) -> None:
    """Retracts the session's events with these `keys`.

    A record that is read again may bring events that were lost, or that an older adapter did not extract.
    """
    for marks, some in in_parts(sorted(keys)):
        await db.execute_fetchall(_RETRACT.format(marks=marks), (*some, session.id))


async def supersede(
    db: aiosqlite.Connection, session: StoredSession, rank: int, *, first_ms: int, last_ms: int
) -> StoredSession:
    """Raises the session to `rank`: what lesser sources reported no longer counts, except facts such as its title.

    `first_ms` and `last_ms` are the times of the better source's events (UTC ms, 0 if unknown). The session's project
    is determined again.
    """
    await db.execute_fetchall("UPDATE session SET rank = ? WHERE id = ?", (rank, session.id))
    if not list(await db.execute_fetchall("SELECT 1 FROM thread WHERE session_id = ?", (session.id,))):
        return msgspec.structs.replace(session, rank=rank)
    await db.execute_fetchall(_SUPERSEDE, (session.id,))
    await db.execute_fetchall(_RESET_SESSION, {"id": session.id, "first_ms": first_ms, "last_ms": last_ms})
    return msgspec.structs.replace(session, rank=rank, final=False, started_ms=first_ms or session.started_ms)


async def reemit(
    db: aiosqlite.Connection, agent: str, session: StoredSession, reemitted: Reemitted, entries: Sequence[Entry]
) -> list[Entry]:
    """Brings a thread of a rewritten source in line with `entries`, and returns those still to add.

    Unchanged events stay, changed ones are replaced, missing ones retracted. An adapter need not know what it emitted
    before: emitting an unchanged conversation in full leaves the ledger as it was. Only events after the first
    difference get new rows, so that rows keep the order of the conversation. A stored time stays, since it may be the
    time of arrival. If two entries have the same key, the first counts.
    """
    known: dict[bytes, Entry] = {}
    for entry in entries:
        known.setdefault(entry.key, entry)
    entries = list(known.values())
    thread = "SELECT id FROM thread WHERE session_id = ? AND subagent_id = ?"
    threads = await db.execute_fetchall(thread, (session.id, reemitted.subagent_id or ""))
    thread_id = next((int(found) for (found,) in threads), 0)
    place = await _place(db, thread_id, None if reemitted.after is None else event_key(agent, reemitted.after))
    same = 0
    for (row_id, key, body), entry in zip(
        list(await db.execute_fetchall(_STANDING, (thread_id, place, len(entries)))), entries, strict=False
    ):
        if key != entry.key:
            break
        if not is_same_body(body, entry.body):
            await db.execute_fetchall(REPLACE, (entry.body, row_id))
        place, same = row_id, same + 1
    fresh = entries[same:]
    if fresh or not reemitted.more:
        await db.execute_fetchall(_RETRACT_AFTER, (thread_id, place))
    for marks, keys in in_parts([entry.key for entry in fresh]):
        await db.execute_fetchall(f"DELETE FROM event WHERE key IN ({marks})", keys)
    return fresh


async def _place(db: aiosqlite.Connection, thread_id: int, after: bytes | None) -> int:
    """Returns the row after which the thread continues. If that is lost, entries are added and nothing is retracted."""
    if after is None:
        return 0
    found = list(await db.execute_fetchall(_PLACE, (after, thread_id))) or await db.execute_fetchall(_LAST)
    return max(int(row_id) for (row_id,) in found)


async def displace_foreign(db: aiosqlite.Connection, agent: str, entries: Sequence[Entry]) -> None:
    """Removes what other machines reported of the sessions and events in `entries`, which this machine has read."""
    for marks, sessions in in_parts(sorted({entry.event.session for entry in entries})):
        for statement in _DISPLACE:
            await db.execute_fetchall(statement.format(marks=marks), (agent, *sessions))
    secondary = [entry.secondary_key for entry in entries if entry.secondary_key is not None]
    for column, identities in (("key", [entry.key for entry in entries]), ("secondary_key", secondary)):
        for marks, some in in_parts(identities):
            await db.execute_fetchall(_DISPLACE_EVENTS.format(column=column, marks=marks), some)
