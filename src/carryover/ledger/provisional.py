"""What an agent told before its transcript has it, kept beside the events until the transcript's own record comes.

A hook hears the end of a turn a moment before the transcript does (Claude Code 2.1.328: 40 to 75 ms). Such a row is
needless as soon as the conversation, as the transcript tells it, holds the same words or has gone past them: whichever
of the two comes first, nothing is told twice. Inside the transaction that is open.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import aiosqlite
import msgspec

from carryover.facts import ProjectRoot
from carryover.ledger.batch import Commit, Entry
from carryover.ledger.codec import decode_body
from carryover.ledger.sessions import assign_project, mark_changed, upsert_session
from carryover.model import (
    AnyBody,
    AssistantMessage,
    Event,
    SessionInfo,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
)

_RECENT: Final = 50
"""Newest events of a thread that are looked through for words that a hook tells. It tells the newest of all."""

_PUT: Final = "INSERT INTO provisional (session_id, sidechain, words, at_ms, body) VALUES (?, ?, ?, ?, ?)"
_PLACED: Final = """SELECT root FROM session JOIN project ON project.id = project_id
    WHERE agent = ? AND native_id = ?"""
_STANDS: Final = """SELECT 1 FROM provisional JOIN session ON session.id = session_id
    WHERE agent = ? AND native_id = ? AND sidechain = ? AND words = ?"""
_THREAD: Final = """SELECT thread.id FROM thread JOIN session ON session.id = session_id
    WHERE agent = ? AND native_id = ? AND sidechain = ?"""
_NEWEST: Final = f"""SELECT at_ms, body FROM event WHERE thread_id = ({_THREAD}) AND undone = 0
    ORDER BY id DESC LIMIT ?"""
_STANDING: Final = "SELECT id, sidechain, words, at_ms FROM provisional WHERE session_id = ?"
_OLD: Final = """SELECT DISTINCT project_id FROM provisional JOIN session ON session.id = session_id
    WHERE at_ms < ? AND project_id IS NOT NULL"""


def content_fingerprint(body: AnyBody) -> bytes:
    """16 bytes that stand for who speaks and what; white space around the words makes no difference.

    An answer and the end of a turn are one voice: a version whose hook tells an error as an answer (Claude Code before
    2.1.78) writes it into its transcript as what it is.
    """
    match body:
        case UserPrompt(text=text, command=command):
            said = f"user {command or ''} {text.strip()}"
        case AssistantMessage(text=text) | TurnEnd(message=text) if text.strip():
            said = f"agent {text.strip()}"
        case _:
            said = f"other {msgspec.json.encode(body).decode()}"
    return hashlib.blake2b(said.encode(), digest_size=16).digest()


async def add_provisional(
    db: aiosqlite.Connection, agent: str, entries: Sequence[Entry], roots: Mapping[str, ProjectRoot], *, now_ms: int
) -> Commit:
    """Keep those of `entries` that neither the events nor the rows hold already. Nothing was told later than now.

    What was told in another project than the session's is left to the transcript.
    """
    added = 0
    projects: set[int] = set()
    newest_ms = 0
    for entry in entries:
        event, words, at_ms = entry.event, content_fingerprint(entry.event.body), min(entry.event.at_ms, now_ms)
        thread = (agent, event.session, event.sidechain or "")
        if await _is_told(db, thread, words, at_ms) or await _is_elsewhere(db, thread, roots.get(event.cwd or "")):
            continue
        session = await upsert_session(
            db, agent, event.session, SessionInfo(), first_ms=at_ms, last_ms=at_ms, rank=None
        )
        project_id = await assign_project(db, session, [event], roots, for_good=False)
        await db.execute_fetchall(_PUT, (session.id, event.sidechain or "", words, at_ms, entry.body))
        added, newest_ms = added + 1, max(newest_ms, at_ms)
        if project_id is not None:
            await mark_changed(db, [project_id], started_ms=session.started_ms)
            projects.add(project_id)
    return Commit(new_events=added, projects=tuple(sorted(projects)), newest_event_ms=newest_ms)


async def drop_confirmed(db: aiosqlite.Connection, session_id: int, events: Iterable[Event]) -> None:
    """Remove the rows that new events of the session make needless."""
    standing = await db.execute_fetchall(_STANDING, (session_id,))
    if not standing:
        return
    told = [(event.sidechain or "", _told(event.at_ms, event.body)) for event in events]
    needless = [
        (row_id,)
        for row_id, sidechain, words, at_ms in standing
        if any(of == sidechain and event.makes_needless(words, at_ms) for of, event in told)
    ]
    await db.executemany("DELETE FROM provisional WHERE id = ?", needless)


async def forget_provisional(db: aiosqlite.Connection, *, before_ms: int) -> int:
    """Remove rows told before `before_ms`, for which no record ever came; how many those were."""
    projects = [project_id for (project_id,) in await db.execute_fetchall(_OLD, (before_ms,))]
    ((forgotten,),) = await db.execute_fetchall("SELECT count(*) FROM provisional WHERE at_ms < ?", (before_ms,))
    await db.execute_fetchall("DELETE FROM provisional WHERE at_ms < ?", (before_ms,))
    await mark_changed(db, projects, started_ms=0)
    return int(forgotten)


async def _is_elsewhere(db: aiosqlite.Connection, thread: tuple[str, str, str], root: ProjectRoot | None) -> bool:
    """Is the session's project another than the one it was told in? A thread of Codex goes on in any folder, and only
    its transcript tells which turns belong where."""
    placed = await db.execute_fetchall(_PLACED, thread[:2])
    return root is not None and any(known != root.root for (known,) in placed)


async def _is_told(db: aiosqlite.Connection, thread: tuple[str, str, str], words: bytes, at_ms: int) -> bool:
    """Do rows or events of the thread (agent, session, sidechain) hold `words` of its last turn, or go past `at_ms`?"""
    if list(await db.execute_fetchall(_STANDS, (*thread, words))):
        return True
    newest = await db.execute_fetchall(_NEWEST, (*thread, _RECENT))
    rows = [(event_ms, body) for event_ms, body in newest]
    return await asyncio.to_thread(_says, rows, words, at_ms)


def _says(newest: list[tuple[int, str | bytes]], words: bytes, at_ms: int) -> bool:
    """Looks back to the prompt: the same words in an earlier turn are others."""
    for event_ms, stored in newest:
        body = decode_body(stored)
        if _told(event_ms, body).makes_needless(words, at_ms):
            return True
        if isinstance(body, UserPrompt):
            break
    return False


class _Told(msgspec.Struct, frozen=True):
    """What an event of the transcript says, and the time up to which the transcript is known to be written by it."""

    words: bytes
    written_ms: int

    def makes_needless(self, words: bytes, at_ms: int) -> bool:
        return self.words == words or self.written_ms >= at_ms


def _told(at_ms: int, body: AnyBody) -> _Told:
    # The conversation itself is written in order; titles, queued prompts and the like come in between.
    in_order = isinstance(body, UserPrompt | AssistantMessage | ToolCall | ToolResult | TurnEnd)
    return _Told(content_fingerprint(body), at_ms if in_order else -1)
