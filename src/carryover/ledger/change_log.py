"""The log of what other machines have to be told, kept while sync is switched on.

The id of an event's row says nothing about what is new: rows are changed, moved to another session and removed, and
ids of removed rows are used again. So triggers number each change of an event that this machine has recorded; an event
is in the log once, at its last change. What the user forgets is logged by `carryover.ledger.forget`. Beside it is noted
what was taken from other machines, so that a ledger that is lost, or restored from a copy, takes it again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from typing import Final

import aiosqlite
import msgspec

from carryover.ledger.batch import in_parts
from carryover.ledger.rows import LOST, records
from carryover.ledger.tombstones import Tombstone

_OWN: Final = """(SELECT machine FROM thread JOIN session ON session.id = session_id
    WHERE thread.id = NEW.thread_id) = ''"""
_AGAIN: Final = "INSERT OR REPLACE INTO change (event_id)"
_OF_SESSION: Final = "SELECT event.id FROM thread JOIN event ON thread_id = thread.id WHERE session_id = NEW.id"
_TRIGGERS: Final = {
    "change_added": f"AFTER INSERT ON event WHEN {_OWN} BEGIN {_AGAIN} VALUES (NEW.id); END",
    "change_made": f"AFTER UPDATE OF body, retracted ON event WHEN {_OWN} BEGIN {_AGAIN} VALUES (NEW.id); END",
    "change_removed": "AFTER DELETE ON event BEGIN DELETE FROM change WHERE event_id = OLD.id; END",
    "change_adopted": f"""AFTER UPDATE OF session_id ON thread
        BEGIN {_AGAIN} SELECT id FROM event WHERE thread_id = NEW.id ORDER BY id; END""",
    "change_placed": f"""AFTER UPDATE OF project_id ON session
        WHEN NEW.project_id IS NOT OLD.project_id AND NEW.machine = ''
        BEGIN {_AGAIN} {_OF_SESSION} ORDER BY event.id; END""",
}
_BEGIN: Final = (
    "CREATE TABLE change_log AS SELECT lower(hex(randomblob(8))) AS id",
    "CREATE TABLE change (seq INTEGER PRIMARY KEY AUTOINCREMENT, event_id INTEGER NOT NULL UNIQUE)",
    # A row without a scope has the shortened key of a removed event in `from_ms`.
    """CREATE TABLE forgetting (seq INTEGER PRIMARY KEY AUTOINCREMENT,
        scope BLOB, from_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL)""",
    "CREATE TABLE taken (machine TEXT NOT NULL, segment TEXT NOT NULL, PRIMARY KEY (machine, segment)) WITHOUT ROWID",
    "INSERT INTO sqlite_sequence (name, seq) VALUES ('change', 0), ('forgetting', 0)",
    "CREATE TABLE told (project INTEGER PRIMARY KEY)",
    *(f"CREATE TRIGGER {name} {trigger}" for name, trigger in _TRIGGERS.items()),
)
_END: Final = (
    *(f"DROP TRIGGER IF EXISTS {name}" for name in _TRIGGERS),
    "DROP TABLE IF EXISTS change",
    "DROP TABLE IF EXISTS forgetting",
    "DROP TABLE IF EXISTS told",
    "DROP TABLE IF EXISTS taken",
    "DROP TABLE IF EXISTS change_log",
)
_RENUMBER: Final = """UPDATE sqlite_sequence
    SET seq = max(seq, CAST((julianday('now') - 2440587.5) * 86400e6 AS INTEGER))
    WHERE name IN ('change', 'forgetting')"""
_IS_ON: Final = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'change_log')"
_TELL: Final = (
    "DELETE FROM told WHERE project NOT IN (SELECT value FROM json_each(:projects))",
    f"""{_AGAIN} SELECT event.id FROM session JOIN thread ON thread.session_id = session.id
        JOIN event ON event.thread_id = thread.id WHERE machine = '' AND session.project_id IN
        (SELECT value FROM json_each(:projects) EXCEPT SELECT project FROM told) ORDER BY event.id""",
    "INSERT OR IGNORE INTO told SELECT value FROM json_each(:projects)",
)
_LOG_FORGETTING: Final = "INSERT INTO forgetting (scope, from_ms, until_ms) VALUES (?, ?, ?)"
_CHANGES: Final = f"""SELECT seq, event.id, key, secondary_key, subagent_id, at_ms, body, retracted, agent, native_id,
    session.project_id, recorded_project_id FROM change CROSS JOIN event ON event.id = event_id
    JOIN thread ON thread.id = thread_id JOIN session ON session.id = session_id
    WHERE seq > ? AND machine = '' AND retracted != {LOST}
    AND session.project_id IN (SELECT project FROM told) ORDER BY seq LIMIT ?"""
_FORGETTING: Final = "SELECT seq, scope, from_ms, until_ms FROM forgetting WHERE seq > ? ORDER BY seq LIMIT ?"


class Change(msgspec.Struct, frozen=True):
    """An event of this machine, as it is now. `subagent_id` is '' for the main conversation."""

    seq: int
    event_id: int
    key: bytes
    secondary_key: bytes | None
    subagent_id: str
    at_ms: int
    body: str | bytes
    retracted: int
    agent: str
    session: str
    project_id: int
    recorded_project_id: int | None


class LoggedForgetting(msgspec.Struct, frozen=True):
    """A tombstone; without a scope, `from_ms` is the shortened key of a removed event."""

    seq: int
    scope: bytes | None
    from_ms: int
    until_ms: int


async def begin_log(db: aiosqlite.Connection, projects: Iterable[int]) -> None:
    """Begins the log if there is none. Others are told of `projects` from now on: of a new one, all of it."""
    ((is_on,),) = await db.execute_fetchall(_IS_ON)
    for statement in () if is_on else _BEGIN:
        await db.execute_fetchall(statement)
    for statement in _TELL:
        await db.execute_fetchall(statement, {"projects": msgspec.json.encode(sorted(projects)).decode()})


async def end_log(db: aiosqlite.Connection) -> None:
    """Removes the log."""
    for statement in _END:
        await db.execute_fetchall(statement)


async def continue_log(db: aiosqlite.Connection) -> None:
    """Numbers what comes from now on by the clock, in microseconds.

    The ledger may be a copy from before others were told more. What it would number as they know it, they would miss.
    """
    ((is_on,),) = await db.execute_fetchall(_IS_ON)
    if is_on:
        await db.execute_fetchall(_RENUMBER)


async def log_forgetting(db: aiosqlite.Connection, rules: Iterable[Tombstone] = (), keys: Iterable[int] = ()) -> None:
    """Logs what was forgotten, if there is a log."""
    ((is_on,),) = await db.execute_fetchall(_IS_ON)
    if is_on:
        rows = [(rule.scope, rule.from_ms, rule.until_ms) for rule in rules]
        await db.executemany(_LOG_FORGETTING, [*rows, *((None, key, 0) for key in keys)])


def log_id(db: sqlite3.Connection) -> str | None:
    """Returns what tells this log from that of any other ledger; None without one."""
    return str(db.execute("SELECT id FROM change_log").fetchone()[0]) if db.execute(_IS_ON).fetchone()[0] else None


def changes(db: sqlite3.Connection, after: int, *, limit: int) -> list[Change]:
    """Returns the first changes after number `after` that others are told of."""
    return list(records(Change, db, _CHANGES, (after, limit)))


def forgettings(db: sqlite3.Connection, after: int, *, limit: int) -> list[LoggedForgetting]:
    """Returns the first tombstones after number `after`."""
    return list(records(LoggedForgetting, db, _FORGETTING, (after, limit)))


def taken(db: sqlite3.Connection, machine: str) -> set[str]:
    """Returns what was taken from the machine with this id."""
    return {segment for (segment,) in db.execute("SELECT segment FROM taken WHERE machine = ?", (machine,))}


def standing(db: sqlite3.Connection, keys: Collection[bytes]) -> Iterator[bytes]:
    """Yields those of the keys whose event is in the ledger."""
    for marks, some in in_parts(sorted(keys)):
        yield from (key for (key,) in db.execute(f"SELECT key FROM event WHERE key IN ({marks})", tuple(some)))
