"""Stores what other machines recorded, and logs what to send them. Everything runs inside the open transaction.

The root of another machine's project begins with its name (`laptop:/home/ann/shop`), so nothing takes it for a folder
here. While sync is on, triggers number each change of an event recorded here, since ids of rows are used again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, count
from typing import Any, Final

import msgspec

from carryover.adapter.contract import Source
from carryover.facts import ProjectRoot, foreign_root
from carryover.ledger.batch import Committed, PreparedBatch, ReadyEvent, grouped, in_parts
from carryover.ledger.codec import is_same_body
from carryover.ledger.commit import restore_lost, store_entries
from carryover.ledger.rows import COUNTS, LOST, RETRACTED, records
from carryover.ledger.sessions import current_project, know_project, mark_changed
from carryover.ledger.threads import REPLACE, Reducer, rebuild_changed
from carryover.ledger.tombstones import without_forgotten

_KNOWN: Final = f"""SELECT key, event.id, native_id, subagent_id, machine, retracted, body
    FROM event JOIN thread ON thread.id = thread_id JOIN session ON session.id = session_id
    WHERE key IN ({{marks}}) AND retracted != {LOST}"""
_NEW: Final = (None, "", "", "", 0, "")
_SESSIONS: Final = """SELECT session.id, native_id, machine, last_ms, recorded.root, project_id,
    coalesce(placed.root, '') LIKE '/%' FROM session
    LEFT JOIN project AS recorded ON recorded.id = coalesce(recorded_project_id, project_id)
    LEFT JOIN project AS placed ON placed.id = project_id
    WHERE agent = ? AND native_id IN ({marks})"""
_OF_ROOT: Final = "SELECT id FROM project WHERE root = ?"
_IS_HERE: Final = "SELECT root LIKE '/%' FROM project WHERE id = ?"
_EMPTY: Final = "DELETE FROM event WHERE thread_id IN (SELECT id FROM thread WHERE session_id = ?)"
_EMPTY_MIXED: Final = """DELETE FROM event WHERE thread_id IN (SELECT thread.id FROM mixed
    JOIN session ON session.id = session JOIN project ON project.id = project_id
    JOIN thread ON session_id = session.id WHERE root = ? AND machine != '')"""
_MIX: Final = "INSERT OR IGNORE INTO mixed (session) VALUES (?)"
"""Notes a session of which one machine's events came into another's project."""
_GIVE_WAY: Final = """DELETE FROM event WHERE {column} IN ({marks}) AND
    (SELECT machine NOT IN ('', ?) AND coalesce(root, '') NOT LIKE '/%' FROM thread JOIN session
    ON session.id = session_id LEFT JOIN project ON project.id = project_id WHERE thread.id = thread_id)"""
_WITHDRAW: Final = """DELETE FROM event WHERE key IN ({marks})
    AND (SELECT machine FROM thread JOIN session ON session.id = session_id WHERE thread.id = thread_id) = ?"""
_TAKE_OVER: Final = """UPDATE session SET machine = ?, project_id = ?, recorded_project_id = nullif(?, ?)
    WHERE id = ?"""
_NAMES: Final = "SELECT name FROM machine UNION SELECT machine FROM session"
_NOT_THERE: Final = "DELETE FROM taken WHERE machine = ? AND segment NOT IN (SELECT value FROM json_each(?))"
_OWN: Final = """(SELECT machine FROM thread JOIN session ON session.id = session_id
    WHERE thread.id = NEW.thread_id) = ''"""
_IS_RESTORED: Final = f"(OLD.retracted = {RETRACTED} AND NEW.retracted = {COUNTS})"
_AGAIN: Final = "INSERT OR REPLACE INTO change (event_id)"
_OF_SESSION: Final = "SELECT event.id FROM thread JOIN event ON thread_id = thread.id WHERE session_id = NEW.id"
_TRIGGERS: Final = {
    "change_added": f"AFTER INSERT ON event WHEN {_OWN} BEGIN {_AGAIN} VALUES (NEW.id); END",
    "change_made": f"""AFTER UPDATE OF body, retracted ON event WHEN {_OWN} AND NOT {_IS_RESTORED}
        BEGIN {_AGAIN} VALUES (NEW.id); END""",
    # Others give it a new row, which must come before those of what follows it.
    "change_restored": f"""AFTER UPDATE OF retracted ON event WHEN {_OWN} AND {_IS_RESTORED}
        BEGIN {_AGAIN} SELECT id FROM event WHERE thread_id = NEW.thread_id AND id >= NEW.id ORDER BY id; END""",
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
    "CREATE TABLE taken (machine TEXT NOT NULL, segment TEXT NOT NULL, PRIMARY KEY (machine, segment)) WITHOUT ROWID",
    "INSERT INTO sqlite_sequence (name, seq) VALUES ('change', 0)",
    "CREATE TABLE told (project INTEGER PRIMARY KEY)",
    "CREATE TABLE mixed (session INTEGER PRIMARY KEY)",
    *(f"CREATE TRIGGER {name} {trigger}" for name, trigger in _TRIGGERS.items()),
)
_END: Final = (
    *(f"DROP TRIGGER IF EXISTS {name}" for name in _TRIGGERS),
    *(f"DROP TABLE IF EXISTS {name}" for name in ("change", "told", "taken", "mixed", "change_log")),
)
_RENUMBER: Final = """UPDATE sqlite_sequence
    SET seq = max(seq, CAST((julianday('now') - 2440587.5) * 86400e6 AS INTEGER))
    WHERE name = 'change'"""
_IS_ON: Final = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'change_log')"
_NEWLY_TOLD: Final = "SELECT value FROM json_each(:projects) EXCEPT SELECT project FROM told"
_TELL: Final = (
    "DELETE FROM told WHERE project NOT IN (SELECT value FROM json_each(:projects))",
    # In this order, SQLite does not read every event only to find that nothing is new.
    f"""{_AGAIN} SELECT event.id FROM session CROSS JOIN thread ON thread.session_id = session.id
        CROSS JOIN event ON event.thread_id = thread.id WHERE machine = '' AND session.id IN
        (SELECT id FROM session WHERE project_id IN ({_NEWLY_TOLD}) UNION
        SELECT id FROM session WHERE recorded_project_id IN ({_NEWLY_TOLD})) ORDER BY event.id""",
    "INSERT OR IGNORE INTO told SELECT value FROM json_each(:projects)",
)
_AT_ONCE: Final = 500
_CHANGES: Final = f"""SELECT seq, event.id, key, secondary_key, subagent_id, at_ms, body, retracted, agent, native_id,
    root FROM change CROSS JOIN event ON event.id = event_id
    JOIN thread ON thread.id = thread_id JOIN session ON session.id = session_id
    JOIN project ON project.id = session.project_id
    WHERE seq > ? AND machine = '' AND retracted != {LOST} AND session.project_id IN (SELECT project FROM told)
    AND coalesce(recorded_project_id, session.project_id) IN (SELECT project FROM told) ORDER BY seq LIMIT {_AT_ONCE}"""


def know_machine(db: sqlite3.Connection, machine_id: str, name: str) -> str:
    """Returns the machine's name on this machine. A new one is called `name`, or `name` with a number if another has
    that name."""
    for (known,) in db.execute("SELECT name FROM machine WHERE id = ?", (machine_id,)):
        return str(known)
    names = {known for (known,) in db.execute(_NAMES)}
    numbered = (f"{name}-{number}" for number in count(2))
    free = next(one for one in chain([name], numbered) if one not in names)
    db.execute("INSERT INTO machine (id, name) VALUES (?, ?)", (machine_id, free))
    return free


def take_again(db: sqlite3.Connection, reducer: Reducer, root: str) -> None:
    """Prepares another machine's project at `root` for being joined with one here.

    Deletes the events of its sessions to which several machines contributed before, and forgets which segments were
    taken, so that all are taken again. Does nothing without sync.
    """
    ((is_on,),) = db.execute(_IS_ON)
    if is_on:
        db.execute(_EMPTY_MIXED, (root,))
        db.execute("DELETE FROM taken")
        rebuild_changed(db, reducer)


def segments_taken(db: sqlite3.Connection, machine_id: str, there: Iterable[str]) -> set[str]:
    """Returns which segments of those that are `there` were taken from a machine, and forgets the others."""
    db.execute(_NOT_THERE, (machine_id, msgspec.json.encode(list(there)).decode()))
    rows = db.execute("SELECT segment FROM taken WHERE machine = ?", (machine_id,))
    return {segment for (segment,) in rows}


def store_received(
    db: sqlite3.Connection,
    reducer: Reducer,
    machine: str,
    by_agent: Mapping[str, Sequence[ReadyEvent]],
    *,
    withdrawn: Sequence[bytes],
    segment: tuple[str, str],
) -> Committed:
    """Stores what the machine of this name recorded, except what is forgotten here or was read here.

    The working folder of each entry is the root of its project. `withdrawn`: the keys of events that no longer count
    there. `segment`: the machine's id, and that of what this came in, which is noted as taken.
    """
    for marks, some in in_parts(withdrawn):
        db.execute(_WITHDRAW.format(marks=marks), (*some, machine))
    projects = rebuild_changed(db, reducer)
    commits = [_store(db, reducer, machine, agent, entries) for agent, entries in by_agent.items()]
    for commit in commits:
        projects |= commit.projects
    db.execute("INSERT OR IGNORE INTO taken (machine, segment) VALUES (?, ?)", segment)
    return Committed(
        new_events=sum(commit.new_events for commit in commits),
        forgotten=sum(commit.forgotten for commit in commits),
        projects=projects,
    )


def _store(
    db: sqlite3.Connection, reducer: Reducer, machine: str, agent: str, entries: Sequence[ReadyEvent]
) -> Committed:
    roots = {cwd: ProjectRoot(cwd, gone=True) for entry in entries if (cwd := entry.event.cwd) is not None}
    wanted = without_forgotten(db, agent, entries, roots, rank=0)
    forgotten = len(entries) - len(wanted)
    wanted, projects = _of_others(db, machine, agent, wanted)
    wanted = _brought_up_to_date(db, machine, wanted)
    projects |= rebuild_changed(db, reducer)
    source = Source(agent=agent, path=foreign_root(machine, "/"))
    restore_lost(db, wanted, machine)
    batch = PreparedBatch(cursor=b"", context=b"", size=0, mtime_ns=0, entries=wanted, roots=roots)
    commit = store_entries(db, reducer, source, batch, machine=machine)
    return msgspec.structs.replace(commit, forgotten=forgotten, projects=projects | commit.projects)


def _of_others(
    db: sqlite3.Connection, sender: str, agent: str, entries: Sequence[ReadyEvent]
) -> tuple[list[ReadyEvent], dict[int, int]]:
    """Returns the entries of sessions that are not this machine's own or those of another project, and what
    `mark_changed` does of the projects that lost or got a session.

    A session that several machines have belongs to the machine with its newest event, whichever came first. Where the
    user has joined its project to one here, others neither take it nor add to it, unless theirs is joined to the same.
    """
    of_session = grouped(entries, lambda entry: entry.event.session)
    refused: set[str] = set()
    projects: set[int] = set()
    here = _joined(db, {entry.event.cwd for entry in entries})
    for marks, some in in_parts(sorted(of_session)):
        known = db.execute(_SESSIONS.format(marks=marks), (agent, *some)).fetchall()
        for session_id, native_id, machine, last_ms, former_root, project, is_here in known:
            root = of_session[native_id][0].event.cwd
            newest = (max(entry.event.at_ms for entry in of_session[native_id]), sender)
            is_newest = newest > (last_ms, machine)
            is_taken = root in here and not is_here
            may_take = is_taken or (root is not None and root not in here and not is_here and is_newest)
            is_shared = machine == sender or (root in here and here[root] == project)
            if not machine or not (is_shared or may_take):
                refused.add(native_id)
                if root is not None:  # for the user to join it
                    know_project(db, root, None)
                continue
            if not is_shared:
                db.execute(_EMPTY if is_taken else _MIX, (session_id,))
            if root not in (None, former_root) and (may_take or is_newest or machine == sender):
                recorded = know_project(db, root, None)
                current = current_project(db, recorded)
                db.execute(_TAKE_OVER, (sender, current, recorded, current, session_id))
                projects |= {current, current if project is None else project}
    changed = mark_changed(db, projects)
    wanted = [entry for entry in entries if entry.event.session not in refused]
    joined = [entry for entry in wanted if entry.event.cwd in here]
    secondary = [entry.secondary_key for entry in joined if entry.secondary_key is not None]
    for column, identities in (("key", [entry.key for entry in joined]), ("secondary_key", secondary)):
        for marks, keys in in_parts(identities):
            db.execute(_GIVE_WAY.format(column=column, marks=marks), (*keys, sender))
    return wanted, changed


def _joined(db: sqlite3.Connection, roots: Iterable[str | None]) -> dict[str | None, int]:
    """Returns those of other machines' roots whose projects the user has joined with one here, with its id."""
    joined: dict[str | None, int] = {}
    for root in roots:
        for (recorded,) in db.execute(_OF_ROOT, (root,)):
            current = current_project(db, int(recorded))
            ((is_here,),) = db.execute(_IS_HERE, (current,))
            if is_here:
                joined[root] = current
    return joined


def _brought_up_to_date(db: sqlite3.Connection, machine: str, entries: Sequence[ReadyEvent]) -> list[ReadyEvent]:
    """Changes stored events to what the machine has now; returns the entries to store.

    An event that moved, counts again, or comes after a new one of its thread gets a new row: rows keep the order.
    """
    known: dict[bytes, tuple[Any, ...]] = {}
    for marks, keys in in_parts([entry.key for entry in entries]):
        known |= {key: tuple(row) for key, *row in db.execute(_KNOWN.format(marks=marks), keys)}
    wanted: list[ReadyEvent] = []
    with_new: set[tuple[str, str]] = set()
    for entry in entries:
        event_id, session, subagent_id, of_machine, retracted, body = known.get(entry.key, _NEW)
        is_moved = entry.thread != (session, subagent_id) or entry.thread in with_new
        if event_id is None:
            with_new.add(entry.thread)
        elif of_machine != machine:
            continue
        elif is_moved or (retracted and not entry.retracts):
            db.execute("DELETE FROM event WHERE id = ?", (event_id,))
            with_new.add(entry.thread)
        elif not is_same_body(body, entry.body):
            db.execute(REPLACE, (entry.body, event_id))
        wanted.append(entry)
    return wanted


class OwnChange(msgspec.Struct, frozen=True):
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
    root: str
    """The root of its project."""


def begin_log(db: sqlite3.Connection, projects: Iterable[int]) -> None:
    """Begins the log if there is none. `projects` are sent to other machines from now on, new ones as a whole."""
    ((is_on,),) = db.execute(_IS_ON)
    for statement in () if is_on else _BEGIN:
        db.execute(statement)
    for statement in _TELL:
        db.execute(statement, {"projects": msgspec.json.encode(sorted(projects)).decode()})


def end_log(db: sqlite3.Connection) -> None:
    """Removes the log."""
    for statement in _END:
        db.execute(statement)


def continue_log(db: sqlite3.Connection) -> None:
    """Numbers what is added from now on by the clock (µs), so that the numbers exceed those sent before a backup was
    restored."""
    ((is_on,),) = db.execute(_IS_ON)
    if is_on:
        db.execute(_RENUMBER)


def log_id(db: sqlite3.Connection) -> str | None:
    """Returns an id that distinguishes this log from any other ledger's; None without a log."""
    return str(db.execute("SELECT id FROM change_log").fetchone()[0]) if db.execute(_IS_ON).fetchone()[0] else None


def own_changes(db: sqlite3.Connection, after: int) -> Iterator[OwnChange]:
    """Yields the changes after number `after` that are sent to other machines: those of projects that are sent, unless
    they were recorded in another project that is not."""
    while rows := list(records(OwnChange, db, _CHANGES, (after,))):
        yield from rows
        after = rows[-1].seq
