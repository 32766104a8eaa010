"""Saves what can still be read from a damaged ledger. Blocking.

Positions are not saved: all sources are read again, and the keys of the saved rows keep anything from counting twice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec

from carryover.ledger.codec import decode_body
from carryover.ledger.rows import LOST, SUPERSEDED
from carryover.ledger.threads import NEVER_REDUCED, NO_DIGEST

_BATCH: Final = 500
_HIGHEST_ROWID: Final = 2**62

_TABLES: Final = (
    "forgotten",
    "forgotten_event",
    "project",
    "session",
    "thread",
    "event",
    "incident",
    "tokens",
)
_KEYED: Final = ("counter", "machine", "skipped")
_MADE_AGAIN: Final = {"fold_version": NEVER_REDUCED, "digest": NO_DIGEST}
"""Columns that are not read."""
_INDEXED_KEYS: Final = "SELECT id, key FROM event INDEXED BY sqlite_autoindex_event_1"
_LOSE_OTHERS: Final = f"""UPDATE OR IGNORE event SET key = indexed.key, secondary_key = NULL, body = '',
    retracted = iif(retracted = {SUPERSEDED}, {SUPERSEDED}, {LOST})
    FROM indexed WHERE indexed.id = event.id AND indexed.key != event.key AND typeof(indexed.key) = 'blob'"""
_ORPHANS: Final = (
    "UPDATE session SET project_id = NULL, project_final = 0 WHERE project_id NOT IN (SELECT id FROM project)",
    "UPDATE session SET recorded_project_id = NULL WHERE recorded_project_id NOT IN (SELECT id FROM project)",
    "UPDATE project SET moved_to = NULL WHERE moved_to NOT IN (SELECT id FROM project)",
    "DELETE FROM thread WHERE session_id NOT IN (SELECT id FROM session)",
    "DELETE FROM event WHERE thread_id NOT IN (SELECT id FROM thread)",
    "DELETE FROM tokens WHERE session_id NOT IN (SELECT id FROM session)",
)


def salvage(damaged: Path, into: sqlite3.Connection, *, now_ms: int) -> int:
    """Copies every readable row of `damaged` into the new, empty ledger; returns the number of saved events."""
    into.execute("PRAGMA foreign_keys = OFF")
    into.execute("BEGIN IMMEDIATE")
    with closing(sqlite3.connect(f"file:{quote(str(damaged))}?mode=ro", uri=True, isolation_level=None)) as old:
        # Without it SQLite checks the schema against the size of the file and reads nothing from a truncated one.
        old.execute("PRAGMA writable_schema = ON")
        old.text_factory = _text
        for table in (*_TABLES, *_KEYED):
            if columns := _columns(old, into, table):
                for row in _rows(old, table, ", ".join(columns)):
                    _put(into, table, dict(zip(columns, row, strict=True)))
        _compare_keys(old, into)
    for statement in _ORPHANS:
        into.execute(statement)
    (events,) = into.execute("SELECT count(*) FROM event WHERE retracted != ?", (LOST,)).fetchone()
    text = f"The ledger was damaged. It was moved to {damaged.name}; {events} events could be saved from it."
    into.execute("INSERT INTO incident (at_ms, text) VALUES (?, ?)", (now_ms, text))
    into.execute("COMMIT")
    into.execute("PRAGMA foreign_keys = ON")
    return int(events)


def _compare_keys(old: sqlite3.Connection, into: sqlite3.Connection) -> None:
    """Keeps only the place of an event whose key differs from the one in the index, as it would be counted twice."""
    into.execute("CREATE TEMP TABLE indexed (id INTEGER PRIMARY KEY, key BLOB NOT NULL)")
    with suppress(sqlite3.DatabaseError):  # as much of the index as can be read
        into.executemany("INSERT OR IGNORE INTO indexed VALUES (?, ?)", old.execute(_INDEXED_KEYS))
    into.execute(_LOSE_OTHERS)
    into.execute("DROP TABLE indexed")


def _text(stored: bytes) -> str | None:
    """Decodes a stored text; None if it is damaged, so that a row that needs it is left out and read again."""
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return None


def _columns(old: sqlite3.Connection, into: sqlite3.Connection, table: str) -> list[str]:
    """Returns the columns of `table` that are saved, without those that an older ledger lacks."""
    columns = "SELECT name FROM pragma_table_info(?)"
    wanted = [name for (name,) in into.execute(columns, (table,)) if name not in _MADE_AGAIN]
    try:
        there = {name for (name,) in old.execute(columns, (table,))}
    except sqlite3.DatabaseError:
        return []
    return [name for name in wanted if name in there]


def _put(into: sqlite3.Connection, table: str, values: dict[str, Any]) -> None:
    if table == "event":
        if not (isinstance(values["key"], bytes) and isinstance(values["at_ms"], int)):
            return
        if not _is_body(values["body"]):
            # Its place is kept: otherwise what is read again would follow what came after it.
            is_superseded = values.get("retracted") == SUPERSEDED
            values |= {"body": "", "retracted": SUPERSEDED if is_superseded else LOST}
    if table == "thread":
        values |= _MADE_AGAIN
    marks = ",".join("?" * len(values))
    into.execute(f"INSERT OR IGNORE INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))


def _is_body(body: object) -> bool:
    if not isinstance(body, str | bytes):
        return False
    try:
        decode_body(body)
    except msgspec.MsgspecError:
        return False
    return True


def _rows(old: sqlite3.Connection, table: str, columns: str) -> Iterator[tuple[Any, ...]]:
    """Yields rows in order of rowid, skipping stretches that cannot be read. A table in `_KEYED` ends at the first."""
    if table in _KEYED:
        with suppress(sqlite3.DatabaseError):
            yield from old.execute(f"SELECT {columns} FROM {table}")
        return
    after = 0
    while after < _HIGHEST_ROWID:
        rows = _read(old, table, columns, after, _BATCH)
        if rows is None:
            rows = _read(old, table, columns, after, 1)
        if rows is None:
            after = _past_damage(old, table, columns, after)
            continue
        if not rows:
            return
        yield from rows
        after = rows[-1][0]


def _past_damage(old: sqlite3.Connection, table: str, columns: str, after: int) -> int:
    """Returns the lowest rowid from which reading works again, given that it fails at `after`."""
    fails = after
    step = 1
    while _read(old, table, columns, after + step, 1) is None:
        fails = after + step
        step *= 2
        if step > _HIGHEST_ROWID:
            return _HIGHEST_ROWID
    works = after + step
    while works - fails > 1:
        middle = (works + fails) // 2
        if _read(old, table, columns, middle, 1) is None:
            fails = middle
        else:
            works = middle
    return works


def _read(old: sqlite3.Connection, table: str, columns: str, after: int, limit: int) -> list[tuple[Any, ...]] | None:
    """Returns the next rows after `after`; None if they cannot be read or lead back, as in a damaged, circular tree."""
    # `id > ?` would begin on the page of the id before, which may be the damaged one.
    query = f"SELECT {columns} FROM {table} WHERE id >= ? ORDER BY id LIMIT ?"
    try:
        rows = old.execute(query, (after + 1, limit)).fetchall()
    except sqlite3.DatabaseError:
        return None
    ids = [after, *(row[0] for row in rows)]
    return rows if all(one < other for one, other in pairwise(ids)) else None
