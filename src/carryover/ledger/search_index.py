"""The full-text index of `carryover search`, updated in the transactions that change the events.

It stores no text: only tokens, and for each indexed event a small row by which hits are filtered. Events up to the id
`pending_to` are not in it yet (in a ledger older than the index, or a salvaged one); they are indexed in small
transactions, newest first.

Of a ledger of 47 MB (200 MB of transcripts) it takes 2.7 MB. Prefix indexes would add 2.5 MB, a trigram index 8 MB;
without positions it would be 1 MB smaller and find no phrases, no snake case and no Chinese.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

import aiosqlite
import msgspec

from carryover.errors import UserError
from carryover.ledger.codec import decode_body
from carryover.ledger.searchable import INDEX_VERSION, KINDS, IndexEntry, index_entry

EVENTS_PER_STEP: Final = 500
"""Events per transaction of `index_more`: about 10 ms."""

# No content: a hit's text is in its event. Without prefix indexes, which would double the size for few milliseconds.
# Writing to the view fills the index and the entries in one trip to the database's thread.
_CREATE: Final = (
    "DROP TRIGGER IF EXISTS search_add",
    "DROP TABLE IF EXISTS search",
    "DELETE FROM search_entry",
    """CREATE VIRTUAL TABLE search USING
        fts5(tokens, content='', tokenize='unicode61 remove_diacritics 2')""",
    """CREATE TRIGGER search_add INSTEAD OF INSERT ON search_input
        WHEN NEW.id > (SELECT pending_to FROM search_state) BEGIN
        INSERT INTO search (rowid, tokens) VALUES (NEW.id, NEW.tokens);
        INSERT INTO search_entry (id, thread_id, at_ms, kind) VALUES (NEW.id, NEW.thread_id, NEW.at_ms, NEW.kind);
        END""",
)
_HAS_FTS5: Final = "SELECT EXISTS (SELECT 1 FROM pragma_module_list WHERE name = 'fts5')"
_STATE: Final = "SELECT version FROM search_state"
_RESTART: Final = """INSERT OR REPLACE INTO search_state (id, version, pending_to)
    VALUES (1, ?, (SELECT coalesce(max(id), 0) FROM event))"""
_PENDING_TO: Final = "SELECT pending_to FROM search_state"
_NOW_PENDING_TO: Final = "UPDATE search_state SET pending_to = ?"
_ADD: Final = "INSERT INTO search_input (id, thread_id, at_ms, kind, tokens) VALUES (?, ?, ?, ?, ?)"
_INDEXED: Final = """SELECT event.id, event.body FROM event CROSS JOIN search_entry ON search_entry.id = event.id
    WHERE {condition} LIMIT ?"""
_REMOVE: Final = "INSERT INTO search (search, rowid, tokens) VALUES ('delete', ?, ?)"
_REMOVE_ENTRY: Final = "DELETE FROM search_entry WHERE id = ?"
_PENDING: Final = "SELECT id, thread_id, at_ms, body, retracted FROM event WHERE id <= ? ORDER BY id DESC LIMIT ?"


class NewEntry(msgspec.Struct, frozen=True):
    """An event to be indexed, with its row's id."""

    event_id: int
    thread_id: int
    at_ms: int
    entry: IndexEntry | None


def prepare_index(db: sqlite3.Connection, *, afresh: bool = False) -> None:
    """Leaves an index that this program can update, emptied if it is of another version or `afresh` is set. Blocking.

    Raises UserError if SQLite has no FTS5.
    """
    if db.execute(_HAS_FTS5).fetchone() != (1,):
        raise UserError(
            "This Python's SQLite has no full-text search (FTS5), which Carryover needs. Nothing was read or changed. "
            "Install Carryover with another Python."
        )
    if not afresh and db.execute(_STATE).fetchone() == (INDEX_VERSION,):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        for statement in _CREATE:
            db.execute(statement)
        db.execute(_RESTART, (INDEX_VERSION,))
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


async def add_to_index(db: aiosqlite.Connection, entries: Iterable[NewEntry]) -> None:
    """Indexes new events, or events with a new text, except those that are left to `index_more`."""
    rows = [
        (each.event_id, each.thread_id, each.at_ms, KINDS.index(each.entry.kind), each.entry.tokens)
        for each in entries
        if each.entry is not None
    ]
    if rows:
        await db.executemany(_ADD, rows)


async def remove_from_index(db: aiosqlite.Connection, condition: str, values: Sequence[int | bytes]) -> None:
    """Removes the events that `condition`, on the table `event`, selects. Their rows must still be there."""
    statement = _INDEXED.format(condition=condition)
    while rows := list(await db.execute_fetchall(statement, (*values, EVENTS_PER_STEP))):
        indexed = await asyncio.to_thread(_tokens, [(event_id, body) for event_id, body in rows])
        await db.executemany(_REMOVE, indexed)
        await db.executemany(_REMOVE_ENTRY, [(event_id,) for event_id, _ in indexed])


async def clear_index(db: aiosqlite.Connection) -> None:
    """Empties the index and leaves every event to `index_more`."""
    await db.execute_fetchall("INSERT INTO search (search) VALUES ('delete-all')")
    await db.execute_fetchall("DELETE FROM search_entry")
    await db.execute_fetchall(_RESTART, (INDEX_VERSION,))


async def index_more(db: aiosqlite.Connection, limit: int = EVENTS_PER_STEP) -> bool:
    """Indexes the newest events that are not indexed yet, at most `limit`; returns whether there were any."""
    ((pending_to,),) = await db.execute_fetchall(_PENDING_TO)
    if not pending_to:
        return False
    rows = list(await db.execute_fetchall(_PENDING, (pending_to, limit)))
    lowest = min((int(row[0]) for row in rows), default=1)
    await db.execute_fetchall(_NOW_PENDING_TO, (lowest - 1,))
    counting = [(event_id, thread_id, at_ms, body) for event_id, thread_id, at_ms, body, gone in rows if not gone]
    # In the order of their ids, as FTS5 writes its buffer to the disk whenever an id is lower than the one before it.
    await add_to_index(db, await asyncio.to_thread(_new_entries, reversed(counting)))
    return True


async def compact_index(db: aiosqlite.Connection) -> None:
    """Rewrites the index as one piece, which is what actually removes the tokens of removed events."""
    await db.execute_fetchall("INSERT INTO search (search) VALUES ('optimize')")


def _new_entries(rows: Iterable[tuple[int, int, int, str | bytes]]) -> list[NewEntry]:
    return [
        NewEntry(event_id, thread_id, at_ms, index_entry(decode_body(body)))
        for event_id, thread_id, at_ms, body in rows
    ]


def _tokens(rows: Iterable[tuple[int, str | bytes]]) -> list[tuple[int, str]]:
    entries = [(event_id, index_entry(decode_body(body))) for event_id, body in rows]
    return [(event_id, entry.tokens if entry is not None else "") for event_id, entry in entries]
