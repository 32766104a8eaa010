"""A thread's row: its digest, the notes its events gave, and rebuilding both when the fold or the events changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

import aiosqlite
import msgspec

from carryover.distill.digest import FOLD_VERSION, Digest
from carryover.distill.view import Note
from carryover.ledger.bodies import decode_body
from carryover.ledger.folding import EMPTY_DIGEST, FoldedLines, Line, current_digest, fold_lines

_LINES_PER_READ: Final = 500

_FIND: Final = "SELECT id, fold_version, digest FROM thread WHERE session_id = ? AND sidechain = ?"
_OPEN: Final = "INSERT INTO thread (session_id, sidechain, fold_version, digest) VALUES (?, ?, ?, ?)"
_PUT_NOTE: Final = """INSERT INTO note (event_id, thread_id, project_id, kind, weight, at_ms, text)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""
_OUTDATED: Final = """SELECT thread.id, session.native_id, sidechain, project_id
    FROM thread JOIN session ON session.id = session_id
    WHERE thread.id IN (SELECT id FROM thread WHERE fold_version != ?) ORDER BY thread.last_ms DESC LIMIT ?"""
_OF_ID: Final = """SELECT session.native_id, sidechain, project_id FROM thread JOIN session ON session.id = session_id
    WHERE thread.id = ?"""


_Row = tuple[int, int, str | bytes]
"""Id, time and stored body of an event."""


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """A thread in the ledger. `session` is the agent's own id, `sidechain` '' for the main conversation."""

    id: int
    session: str
    sidechain: str
    project_id: int | None
    digest: Digest


async def open_thread(
    db: aiosqlite.Connection, session_id: int, session: str, sidechain: str, project_id: int | None
) -> Thread:
    """The thread's row, made where there is none, its digest rebuilt where another fold wrote it."""
    rows = list(await db.execute_fetchall(_FIND, (session_id, sidechain)))
    if not rows:
        await db.execute_fetchall(_OPEN, (session_id, sidechain, FOLD_VERSION, EMPTY_DIGEST))
        rows = list(await db.execute_fetchall(_FIND, (session_id, sidechain)))
    ((thread_id, fold_version, stored),) = rows
    digest = current_digest(fold_version, stored)
    thread = Thread(
        id=thread_id, session=session, sidechain=sidechain, project_id=project_id, digest=digest or Digest()
    )
    return await rebuild_thread(db, thread) if digest is None else thread


async def rebuild_thread(db: aiosqlite.Connection, thread: Thread) -> Thread:
    """Fold all its events that count anew, in the order they came, and replace its notes by those this gives."""
    await db.execute_fetchall("DELETE FROM note WHERE thread_id = ?", (thread.id,))
    digest, last_ms, after = Digest(), 0, 0
    while rows := await _lines_after(db, thread.id, after):
        folded = await asyncio.to_thread(_fold_stored, digest, rows, thread)
        await add_notes(db, thread, folded.notes)
        digest, after = folded.digest, rows[-1][0]
        last_ms = max(last_ms, *(at_ms for _, at_ms, _ in rows))
    # Not only grown: what was undone may have been the newest.
    await db.execute_fetchall("UPDATE thread SET last_ms = 0 WHERE id = ?", (thread.id,))
    await store_digest(db, thread, digest, last_ms=last_ms)
    return msgspec.structs.replace(thread, digest=digest)


async def rebuild(db: aiosqlite.Connection, thread_id: int) -> None:
    """As `rebuild_thread`, of the thread with this id."""
    ((session, sidechain, project_id),) = await db.execute_fetchall(_OF_ID, (thread_id,))
    thread = Thread(id=thread_id, session=session, sidechain=sidechain, project_id=project_id, digest=Digest())
    await rebuild_thread(db, thread)


async def outdated_threads(db: aiosqlite.Connection, limit: int) -> list[Thread]:
    """Threads whose digest another fold made, newest activity first."""
    rows = await db.execute_fetchall(_OUTDATED, (FOLD_VERSION, limit))
    return [
        Thread(id=thread_id, session=session, sidechain=sidechain, project_id=project_id, digest=Digest())
        for thread_id, session, sidechain, project_id in rows
    ]


async def store_digest(db: aiosqlite.Connection, thread: Thread, digest: Digest, *, last_ms: int) -> None:
    """Keep the digest, and the time of the newest event it has seen."""
    await db.execute_fetchall(
        "UPDATE thread SET digest = ?, fold_version = ?, last_ms = max(last_ms, ?) WHERE id = ?",
        (msgspec.json.encode(digest), FOLD_VERSION, last_ms, thread.id),
    )


async def add_notes(db: aiosqlite.Connection, thread: Thread, notes: Iterable[tuple[int, Note]]) -> None:
    """Keep what a fold noted, each with the event it came from."""
    rows = [
        (event_id, thread.id, thread.project_id, note.kind, note.weight, note.at_ms, note.text)
        for event_id, note in notes
    ]
    if rows:
        await db.executemany(_PUT_NOTE, rows)


async def _lines_after(db: aiosqlite.Connection, thread_id: int, after: int) -> list[_Row]:
    rows = await db.execute_fetchall(
        "SELECT id, at_ms, body FROM event WHERE thread_id = ? AND id > ? AND undone = 0 ORDER BY id LIMIT ?",
        (thread_id, after, _LINES_PER_READ),
    )
    return [(event_id, at_ms, body) for event_id, at_ms, body in rows]


def _fold_stored(digest: Digest, rows: list[_Row], thread: Thread) -> FoldedLines:
    lines = [Line(event_id, at_ms, decode_body(body)) for event_id, at_ms, body in rows]
    return fold_lines(digest, lines, session=thread.session, sidechain=thread.sidechain)
