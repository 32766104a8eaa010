"""What one commit does between BEGIN and COMMIT. Only `store` calls this, with its lock held.

Every statement is a hop to the connection's thread, so rows go in bulk and a one-line append costs about fifteen hops.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Final, TypeVar

import aiosqlite
import msgspec

from carryover.adapter.contract import Source
from carryover.ledger.counting import count_skipped, count_stored
from carryover.ledger.folding import Line, fold_lines
from carryover.ledger.placing import PutSession, find_session, place_session, put_session, time_projects
from carryover.ledger.prepared import Commit, Entry, Prepared, Root
from carryover.ledger.provisional import drop_needless
from carryover.ledger.retelling import retell
from carryover.ledger.rows import TAKEN_BACK
from carryover.ledger.sub_agents import at_home
from carryover.ledger.threads import Thread, add_notes, open_thread, store_digest
from carryover.ledger.trouble import StaleRead
from carryover.ledger.undoing import make_way, take_back, take_back_again
from carryover.model import SessionInfo

_KEYS_PER_QUERY: Final = 500

_ADVANCE: Final = """INSERT INTO source (agent, path, rev, cursor, context, size, mtime_ns) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (agent, path) DO UPDATE SET rev = excluded.rev, cursor = excluded.cursor, context = excluded.context,
        size = excluded.size, mtime_ns = excluded.mtime_ns,
        state = 'active', error = NULL, failures = 0, retry_ms = 0"""
_PUT_EVENT: Final = "INSERT INTO event (id, key, twin, thread_id, at_ms, body, undone) VALUES (?, ?, ?, ?, ?, ?, ?)"

K = TypeVar("K")


def locator(path: str) -> str | bytes:
    """The form in which a source's path is stored: a name that is not UTF-8 keeps its bytes."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path


async def run_commit(db: aiosqlite.Connection, source: Source, prepared: Prepared, seen_rev: int) -> Commit:
    """Store `prepared` inside the open transaction. Raises StaleRead where `seen_rev` is no longer the source's."""
    await _advance_source(db, source, prepared, seen_rev)
    entries = await at_home(db, source.agent, prepared.entries, prepared.roots)
    retold = {(each.session, each.sidechain): each for each in prepared.retold}
    told = await _unknown(db, [entry for entry in entries if _thread_of(entry) not in retold])
    again = _grouped((entry for entry in entries if _thread_of(entry) in retold), _thread_of)
    taken_back = _taken_back(entries)
    stored: list[Entry] = []
    projects: set[int] = set()
    of_session = _grouped([*told, *chain.from_iterable(again.values())], lambda entry: entry.event.session)
    for native_id in dict.fromkeys([*of_session, *(session for session, _ in retold)]):
        session = await _session(db, source, native_id, of_session.get(native_id, []))
        keys = taken_back.pop(native_id, frozenset())
        if session is None or session.rank != source.rank:
            continue
        fresh = [entry for entry in of_session.get(native_id, []) if _thread_of(entry) not in retold]
        changed = False
        for thread in (thread for thread in retold if thread[0] == native_id):
            added, other = await retell(db, session, retold[thread], again.get(thread, []))
            fresh += added
            changed |= other
        if fresh or changed:
            projects |= await _add_to_session(db, session, fresh, prepared.roots, keys)
            stored += fresh
    for native_id, keys in taken_back.items():
        projects |= await take_back_again(db, source, native_id, keys)
    await count_stored(db, stored, prepared.oversized)
    await count_skipped(db, source.agent, prepared.skipped, at_ms=prepared.mtime_ns // 1_000_000)
    return Commit(
        new_events=len(stored),
        projects=tuple(sorted(projects)),
        newest_event_ms=max((entry.event.at_ms for entry in stored), default=0),
    )


async def _advance_source(db: aiosqlite.Connection, source: Source, prepared: Prepared, seen_rev: int) -> None:
    identity = (source.agent, locator(source.path))
    revs = await db.execute_fetchall("SELECT rev FROM source WHERE agent = ? AND path = ?", identity)
    if max((rev for (rev,) in revs), default=0) != seen_rev:
        raise StaleRead
    position = (prepared.cursor, prepared.context, prepared.size, prepared.mtime_ns)
    await db.execute_fetchall(_ADVANCE, (*identity, seen_rev + 1, *position))


async def _unknown(db: aiosqlite.Connection, entries: Sequence[Entry]) -> list[Entry]:
    """The entries that are not in the ledger, each once, in their order."""
    keys = await _known(db, "key", [entry.key for entry in entries])
    twins = await _known(db, "twin", [entry.twin for entry in entries if entry.twin is not None])
    unknown = []
    for entry in entries:
        if entry.key in keys or (entry.twin is not None and entry.twin in twins):
            continue
        keys.add(entry.key)
        if entry.twin is not None:
            twins.add(entry.twin)
        unknown.append(entry)
    return unknown


async def _known(db: aiosqlite.Connection, column: str, identities: Sequence[bytes]) -> set[bytes]:
    known: set[bytes] = set()
    for start in range(0, len(identities), _KEYS_PER_QUERY):
        some = identities[start : start + _KEYS_PER_QUERY]
        marks = ",".join("?" * len(some))
        rows = await db.execute_fetchall(f"SELECT {column} FROM event WHERE {column} IN ({marks})", some)
        known.update(identity for (identity,) in rows)
    return known


def _grouped(entries: Iterable[Entry], key_of: Callable[[Entry], K]) -> dict[K, list[Entry]]:
    groups: dict[K, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(key_of(entry), []).append(entry)
    return groups


def _thread_of(entry: Entry) -> tuple[str, str]:
    return entry.event.session, entry.event.sidechain or ""


def _taken_back(entries: Iterable[Entry]) -> dict[str, frozenset[bytes]]:
    """Keys of what the user took back, by session. Known entries say it too: what they undo may have been lost."""
    keys: dict[str, frozenset[bytes]] = {}
    for entry in entries:
        if entry.undoes:
            keys[entry.event.session] = keys.get(entry.event.session, frozenset()).union(entry.undoes)
    return keys


async def _session(
    db: aiosqlite.Connection, source: Source, native_id: str, entries: Sequence[Entry]
) -> PutSession | None:
    """The session's row as `entries` make it, None where it has none and nothing is told of it. Its rank is another
    than the source's only where a better one told it."""
    if not entries:
        return await find_session(db, source.agent, native_id)
    times = [entry.event.at_ms for entry in entries if entry.event.at_ms > 0]
    first_ms, last_ms = min(times, default=0), max(times, default=0)
    session = await put_session(
        db,
        source.agent,
        native_id,
        _session_info(entries),
        first_ms=first_ms,
        last_ms=last_ms,
        rank=source.rank,
    )
    if session.rank < source.rank:
        return await make_way(db, session, source.rank, first_ms=first_ms, last_ms=last_ms)
    return session


async def _add_to_session(
    db: aiosqlite.Connection,
    session: PutSession,
    entries: Sequence[Entry],
    roots: Mapping[str, Root],
    taken_back: frozenset[bytes],
) -> set[int]:
    """Put new events of one session where they belong; the ids of the projects this touches."""
    if taken_back:
        await take_back(db, session, taken_back)
    project_id = await place_session(db, session, [entry.event for entry in entries], roots)
    for sidechain, lines in _grouped(entries, lambda entry: entry.event.sidechain or "").items():
        thread = await open_thread(db, session.id, session.native_id, sidechain, project_id)
        await _add_to_thread(db, thread, lines, taken_back)
    await drop_needless(db, session.id, [entry.event for entry in entries])
    touched = {project for project in (session.project_id, project_id) if project is not None}
    await time_projects(db, touched, started_ms=session.started_ms)
    return touched


def _session_info(entries: Iterable[Entry]) -> SessionInfo:
    """What the main conversation says of its session, later words first."""
    known: dict[str, str] = {}
    for entry in entries:
        body = entry.event.body
        if isinstance(body, SessionInfo) and entry.event.sidechain is None:
            known.update({name: value for name, value in msgspec.structs.asdict(body).items() if value is not None})
    return SessionInfo(**known)


async def _add_to_thread(
    db: aiosqlite.Connection, thread: Thread, entries: Sequence[Entry], taken_back: frozenset[bytes]
) -> None:
    ((newest,),) = await db.execute_fetchall("SELECT coalesce(max(id), 0) FROM event")
    numbered = list(enumerate(entries, start=newest + 1))
    rows = [
        (
            number,
            entry.key,
            entry.twin,
            thread.id,
            entry.event.at_ms,
            entry.body,
            TAKEN_BACK * (entry.key in taken_back),
        )
        for number, entry in numbered
    ]
    await db.executemany(_PUT_EVENT, rows)
    lines = [
        Line(number, entry.event.at_ms, entry.event.body) for number, entry in numbered if entry.key not in taken_back
    ]
    folded = await asyncio.to_thread(
        fold_lines, thread.digest, lines, session=thread.session, sidechain=thread.sidechain
    )
    await add_notes(db, thread, folded.notes)
    await store_digest(db, thread, folded.digest, last_ms=max((line.at_ms for line in lines), default=0))
