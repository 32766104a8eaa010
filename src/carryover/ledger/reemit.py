"""Merges threads of rewritten sources that are emitted again: unchanged events stay, changed ones are replaced, and
missing ones retracted. Everything runs inside the open transaction.

An adapter need not know what it emitted before: emitting an unchanged conversation in full leaves the ledger as it was.
Only events after the first difference get new rows, so that rows keep the order of the conversation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import aiosqlite

from carryover.adapter.contract import Reemitted
from carryover.ledger.batch import Entry, event_key, in_parts
from carryover.ledger.codec import is_same_body
from carryover.ledger.rows import RETRACTED
from carryover.ledger.search_index import NewEntry, add_to_index, remove_from_index
from carryover.ledger.sessions import StoredSession
from carryover.ledger.threads import Reducer, rebuild

_THREAD: Final = "SELECT id FROM thread WHERE session_id = ? AND subagent_id = ?"
_PLACE: Final = "SELECT id FROM event WHERE key = ? AND thread_id = ? AND retracted = 0"
_LAST: Final = "SELECT coalesce(max(id), 0) FROM event"
_STANDING: Final = """SELECT id, key, at_ms, body FROM event WHERE thread_id = ? AND retracted = 0 AND id > ?
    ORDER BY id LIMIT ?"""
_REPLACE: Final = "UPDATE event SET body = ? WHERE id = ?"
_RETRACTED_NOW: Final = "event.thread_id = ? AND event.id > ? AND retracted != 0"
_RETRACT: Final = f"UPDATE event SET retracted = {RETRACTED} WHERE thread_id = ? AND retracted = 0 AND id > ?"


async def reemit(
    db: aiosqlite.Connection,
    reducer: Reducer,
    agent: str,
    session: StoredSession,
    reemitted: Reemitted,
    entries: Sequence[Entry],
) -> tuple[list[Entry], bool]:
    """Brings the thread in line with `entries`; returns those still to add, and whether the thread changed.

    A stored time stays, since it may be the time of arrival. If two entries have the same key, the first counts.
    """
    known: dict[bytes, Entry] = {}
    for entry in entries:
        known.setdefault(entry.key, entry)
    entries = list(known.values())
    threads = await db.execute_fetchall(_THREAD, (session.id, reemitted.subagent_id or ""))
    thread_id = next((int(found) for (found,) in threads), 0)
    place = await _place(db, thread_id, None if reemitted.after is None else event_key(agent, reemitted.after))
    rows = list(await db.execute_fetchall(_STANDING, (thread_id, place, len(entries))))
    same = 0
    changed = False
    for (row_id, key, at_ms, body), entry in zip(rows, entries, strict=False):
        if key != entry.key:
            break
        if not is_same_body(body, entry.body):
            await remove_from_index(db, "event.id = ?", (row_id,))
            await db.execute_fetchall(_REPLACE, (entry.body, row_id))
            await add_to_index(db, [NewEntry(row_id, thread_id, at_ms, entry.index)])
            changed = True
        place, same = row_id, same + 1
    fresh = list(entries[same:])
    if (fresh or not reemitted.more) and (await db.execute(_RETRACT, (thread_id, place))).rowcount > 0:
        await remove_from_index(db, _RETRACTED_NOW, (thread_id, place))
        changed = True
    changed_threads = await _remove_rows(db, fresh)
    for changed_id in sorted(changed_threads | ({thread_id} if changed else set())):
        await rebuild(db, reducer, changed_id)
    return fresh, changed or bool(changed_threads)


async def _place(db: aiosqlite.Connection, thread_id: int, after: bytes | None) -> int:
    """Returns the row after which the thread continues. If that is lost, entries are added and nothing is retracted."""
    if after is None:
        return 0
    found = list(await db.execute_fetchall(_PLACE, (after, thread_id))) or await db.execute_fetchall(_LAST)
    return max(int(row_id) for (row_id,) in found)


async def _remove_rows(db: aiosqlite.Connection, entries: Sequence[Entry]) -> set[int]:
    """Removes the rows of entries that get new ones; returns the threads in which any of them counted."""
    threads: set[int] = set()
    for marks, keys in in_parts([entry.key for entry in entries]):
        known = f"FROM event WHERE key IN ({marks})"
        rows = await db.execute_fetchall(f"SELECT DISTINCT thread_id {known} AND retracted = 0", keys)
        threads.update(thread_id for (thread_id,) in rows)
        if rows:
            await remove_from_index(db, f"key IN ({marks})", keys)
        await db.execute_fetchall(f"DELETE {known}", keys)
    return threads
