"""Stores what other machines recorded. Everything runs inside the open transaction.

The session of another machine is a session like any other, in a project whose root begins with that machine's name:
`laptop:/home/ann/shop` is no absolute path, so nothing takes it for a folder of this machine. What this machine has
read itself counts: of its sessions nothing is taken. An event that comes again may have changed since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import aiosqlite
import msgspec

from carryover.adapter.contract import Source
from carryover.facts import GitFacts, ProjectRoot, foreign_root
from carryover.ledger.batch import Commit, Entry, PreparedBatch, in_parts
from carryover.ledger.changes import REPLACE
from carryover.ledger.codec import is_same_body
from carryover.ledger.commit import store_entries
from carryover.ledger.rows import LOST, as_record
from carryover.ledger.sessions import current_project, mark_changed, upsert_project
from carryover.ledger.threads import Reducer, settle
from carryover.ledger.tombstones import Tombstones, put_tombstones, without_forgotten

_KNOWN: Final = """SELECT event.id, key, native_id, subagent_id, machine, retracted, body
    FROM event JOIN thread ON thread.id = thread_id JOIN session ON session.id = session_id WHERE key IN ({marks})"""
_SESSIONS: Final = """SELECT session.id, native_id, machine, last_ms, root, project_id FROM session
    LEFT JOIN project ON project.id = coalesce(recorded_project_id, project_id)
    WHERE agent = ? AND native_id IN ({marks})"""
_REMOVE: Final = "DELETE FROM event WHERE key BETWEEN ? AND ?"
_WITHDRAW: Final = """DELETE FROM event WHERE key IN ({marks})
    AND (SELECT machine FROM thread JOIN session ON session.id = session_id WHERE thread.id = thread_id) = ?"""
_TAKE_OVER: Final = """UPDATE session SET machine = :machine, project_id = :current,
    recorded_project_id = nullif(:recorded, :current) WHERE id = :id"""
_NAMES: Final = "SELECT name FROM machine UNION SELECT machine FROM session"
_TAKEN: Final = "INSERT OR IGNORE INTO taken (machine, segment) VALUES (?, ?)"
_NOT_THERE: Final = "DELETE FROM taken WHERE machine = ? AND segment NOT IN (SELECT value FROM json_each(?))"
_NOTE_PROJECT: Final = """UPDATE project SET identity = coalesce(?, identity), git = coalesce(?, git)
    WHERE root = ?"""


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """What one machine recorded, ready to be stored. The working folder of each entry is the root of its project."""

    machine: str
    """The machine's name here."""
    entries: Mapping[str, Sequence[Entry]] = {}
    """By agent."""
    withdrawn: Sequence[bytes] = ()
    """Keys of events that no longer count there."""
    tombstones: Tombstones = Tombstones()
    segment: tuple[str, str] | None = None
    """The machine's id, and that of what this came in: noted as taken."""


class _Known(msgspec.Struct, frozen=True):
    event_id: int
    key: bytes
    session: str
    subagent_id: str
    machine: str
    retracted: int
    body: str | bytes


class _KnownSession(msgspec.Struct, frozen=True):
    id: int
    native_id: str
    machine: str
    last_ms: int
    root: str | None
    project_id: int | None


async def know_machine(db: aiosqlite.Connection, machine_id: str, name: str) -> str:
    """Returns the machine's name here; a new one is called `name`, or with a number after it if another has that."""
    for (known,) in await db.execute_fetchall("SELECT name FROM machine WHERE id = ?", (machine_id,)):
        return str(known)
    taken = {taken for (taken,) in await db.execute_fetchall(_NAMES)}
    names = (name, *(f"{name}-{number}" for number in range(2, len(taken) + 3)))
    free = next(one for one in names if one not in taken)
    await db.execute_fetchall("INSERT INTO machine (id, name) VALUES (?, ?)", (machine_id, free))
    return free


async def note_foreign_project(db: aiosqlite.Connection, root: str, identity: str | None, git: GitFacts | None) -> None:
    """Stores what identifies a project of another machine, and its git state there, if each is known."""
    facts = msgspec.json.encode(git).decode() if git is not None else None
    await db.execute_fetchall(_NOTE_PROJECT, (identity, facts, root))


async def forget_segments(db: aiosqlite.Connection, machine_id: str, there: Iterable[str]) -> None:
    """Drops the notes of what was taken from a machine, except for what is still `there`."""
    await db.execute_fetchall(_NOT_THERE, (machine_id, msgspec.json.encode(list(there)).decode()))


async def store_received(db: aiosqlite.Connection, reducer: Reducer, received: Received) -> Commit:
    """Stores what another machine recorded, except what is forgotten here or was read here."""
    await put_tombstones(db, received.tombstones)
    for key in received.tombstones.keys:
        await db.execute_fetchall(_REMOVE, ((key << 2).to_bytes(8), (key << 2 | 3).to_bytes(8) + b"\xff" * 8))
    for marks, some in in_parts(received.withdrawn):
        await db.execute_fetchall(_WITHDRAW.format(marks=marks), (*some, received.machine))
    projects = await settle(db, reducer)
    commits = [await _store(db, reducer, received, agent, entries) for agent, entries in received.entries.items()]
    projects |= {project for commit in commits for project in commit.projects}
    if received.segment is not None:
        await db.execute_fetchall(_TAKEN, received.segment)
    return Commit(
        new_events=sum(commit.new_events for commit in commits),
        forgotten=sum(commit.forgotten for commit in commits),
        projects=tuple(sorted(projects)),
        newest_event_ms=max((commit.newest_event_ms for commit in commits), default=0),
    )


async def _store(
    db: aiosqlite.Connection, reducer: Reducer, received: Received, agent: str, entries: Sequence[Entry]
) -> Commit:
    roots = {cwd: ProjectRoot(cwd, gone=True) for entry in entries if (cwd := entry.event.cwd) is not None}
    wanted = await without_forgotten(db, agent, entries, roots, rank=0)
    forgotten = len(entries) - len(wanted)
    wanted, projects = await _of_others(db, received, agent, wanted)
    wanted = await _brought_up_to_date(db, received.machine, wanted)
    projects |= await settle(db, reducer)
    source = Source(agent=agent, path=foreign_root(received.machine, "/"))
    batch = PreparedBatch(cursor=b"", context=b"", size=0, mtime_ns=0, roots=roots)
    commit = await store_entries(db, reducer, source, batch, wanted, any_lost=True, machine=received.machine)
    return msgspec.structs.replace(commit, forgotten=forgotten, projects=tuple(sorted({*commit.projects, *projects})))


async def _of_others(
    db: aiosqlite.Connection, received: Received, agent: str, entries: Sequence[Entry]
) -> tuple[list[Entry], set[int]]:
    """Returns the entries of sessions that this machine has not read itself, and projects that lost or got a session.

    If several machines have a session, it is that of the machine with its newest event, whichever came first.
    """
    of_session: dict[str, list[Entry]] = {}
    for entry in entries:
        of_session.setdefault(entry.event.session, []).append(entry)
    own: set[str] = set()
    projects: set[int] = set()
    for marks, some in in_parts(sorted(of_session)):
        for row in await db.execute_fetchall(_SESSIONS.format(marks=marks), (agent, *some)):
            known = as_record(_KnownSession, row)
            if not known.machine:
                own.add(known.native_id)
                continue
            theirs = of_session[known.native_id]
            newest = (max(entry.event.at_ms for entry in theirs), received.machine)
            root = theirs[0].event.cwd
            is_theirs = known.machine == received.machine or newest > (known.last_ms, known.machine)
            if is_theirs and root is not None and root != known.root:
                projects |= await _take_over(db, known, received.machine, root)
    await mark_changed(db, sorted(projects), started_ms=0)
    return [entry for entry in entries if entry.event.session not in own], projects


async def _take_over(db: aiosqlite.Connection, known: _KnownSession, machine: str, root: str) -> set[int]:
    """Makes the session that machine's, in its project; returns the ids of the projects affected."""
    recorded = await upsert_project(db, ProjectRoot(root, gone=True))
    current = await current_project(db, recorded)
    values = {"machine": machine, "current": current, "recorded": recorded, "id": known.id}
    await db.execute_fetchall(_TAKE_OVER, values)
    return {current} if known.project_id is None else {current, known.project_id}


async def _brought_up_to_date(db: aiosqlite.Connection, machine: str, entries: Sequence[Entry]) -> list[Entry]:
    """Changes stored events to what the machine has now; returns the entries to store.

    An event that moved to another thread, counts again, or comes after a new one of its thread gets a new row, so that
    rows keep the order of the conversation.
    """
    known: dict[bytes, _Known] = {}
    for marks, keys in in_parts([entry.key for entry in entries]):
        rows = (as_record(_Known, row) for row in await db.execute_fetchall(_KNOWN.format(marks=marks), keys))
        known.update({row.key: row for row in rows if row.retracted != LOST})
    wanted: list[Entry] = []
    with_new: set[tuple[str, str]] = set()
    for entry in entries:
        row = known.get(entry.key)
        if row is None:
            with_new.add(entry.thread)
        elif row.machine != machine:
            continue
        elif (
            entry.thread != (row.session, row.subagent_id)
            or entry.thread in with_new
            or (row.retracted and not entry.retracts)
        ):
            await db.execute_fetchall("DELETE FROM event WHERE id = ?", (row.event_id,))
            with_new.add(entry.thread)
        elif not is_same_body(row.body, entry.body):
            await db.execute_fetchall(REPLACE, (entry.body, row.event_id))
        wanted.append(entry)
    return wanted
