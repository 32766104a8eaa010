"""Provisional events: reported by a hook a moment before the transcript has them (Claude Code 2.1.328: 40 to 75 ms).

A row is removed as soon as the session's events hold the same content or reach a later time, so nothing counts twice.
Everything runs inside the open transaction.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import aiosqlite
import msgspec

from carryover.facts import ProjectRoot
from carryover.ledger.batch import Committed, ReadyEvent
from carryover.ledger.codec import decode_body
from carryover.ledger.sessions import assign_project, mark_changed, upsert_session
from carryover.ledger.tombstones import without_forgotten
from carryover.model import AnyBody, AssistantMessage, Event, SessionInfo, ToolCall, ToolResult, TurnEnd, UserPrompt

_RECENT: Final = 50
"""How many of a thread's newest events are compared with what a hook reports."""

_INSERT: Final = "INSERT INTO provisional (session_id, subagent_id, fingerprint, at_ms, body) VALUES (?, ?, ?, ?, ?)"
_KNOWN: Final = """SELECT root, EXISTS (SELECT 1 FROM provisional
        WHERE session_id = session.id AND subagent_id = :subagent AND fingerprint = :fingerprint)
    FROM session LEFT JOIN project ON project.id = project_id WHERE agent = :agent AND native_id = :session"""
_NEWEST_EVENTS: Final = f"""SELECT at_ms, body FROM event WHERE thread_id = (
        SELECT thread.id FROM thread JOIN session ON session.id = session_id
        WHERE agent = :agent AND native_id = :session AND subagent_id = :subagent)
    AND retracted = 0 ORDER BY id DESC LIMIT {_RECENT}"""
_OF_SESSION: Final = "SELECT id, subagent_id, fingerprint, at_ms FROM provisional WHERE session_id = ?"
_PROJECTS_WITH_OLD: Final = """SELECT DISTINCT project_id FROM provisional JOIN session ON session.id = session_id
    WHERE at_ms < ? AND project_id IS NOT NULL"""


def content_fingerprint(body: AnyBody) -> bytes:
    """Returns 16 bytes that identify speaker and text, ignoring white space around the text.

    A hook may report an error as an answer (Claude Code before 2.1.78), so answers and ends of turns have one speaker.
    """
    match body:
        case UserPrompt(text=text, command=command):
            content = f"user {command or ''} {text.strip()}"
        case AssistantMessage(text=text) | TurnEnd(message=text) if text.strip():
            content = f"agent {text.strip()}"
        case _:
            content = f"other {msgspec.json.encode(body).decode()}"
    return hashlib.blake2b(content.encode(), digest_size=16).digest()


async def add_provisional(
    db: aiosqlite.Connection,
    agent: str,
    entries: Sequence[ReadyEvent],
    roots: Mapping[str, ProjectRoot],
    *,
    now_ms: int,
) -> Committed:
    """Stores those `entries` of the session's own project that are not known yet, dated no later than `now_ms`."""
    added = 0
    projects: set[int] = set()
    newest_ms = 0
    for entry in await without_forgotten(db, agent, entries, roots, rank=None):
        event = entry.event
        at_ms = min(entry.event.at_ms, now_ms)
        fingerprint = content_fingerprint(event.body)
        subagent_id = event.subagent_id or ""
        thread = {"agent": agent, "session": event.session, "subagent": subagent_id, "fingerprint": fingerprint}
        root = roots.get(event.cwd or "")
        known = list(await db.execute_fetchall(_KNOWN, thread))
        # A Codex thread can continue in any folder, and only its transcript shows which turns belong where.
        is_elsewhere = root is not None and any(path not in (None, root.root) for path, _ in known)
        if is_elsewhere or any(is_same for _, is_same in known):
            continue
        newest = [(event_ms, body) for event_ms, body in await db.execute_fetchall(_NEWEST_EVENTS, thread)]
        if await asyncio.to_thread(_last_turn_confirms, newest, fingerprint, at_ms):
            continue
        span = {"first_ms": at_ms, "last_ms": at_ms}
        session = await upsert_session(db, agent, event.session, SessionInfo(), **span, rank=None)
        project_id = await assign_project(db, session, [event], roots, for_good=False)
        await db.execute_fetchall(_INSERT, (session.id, subagent_id, fingerprint, at_ms, entry.body))
        added += 1
        newest_ms = max(newest_ms, at_ms)
        if project_id is not None:
            await mark_changed(db, [project_id], started_ms=session.started_ms)
            projects.add(project_id)
    return Committed(new_events=added, projects=frozenset(projects), newest_event_ms=newest_ms)


async def drop_confirmed(db: aiosqlite.Connection, session_id: int, events: Sequence[Event]) -> None:
    """Removes the provisional rows that new events of the session confirm."""
    rows = await db.execute_fetchall(_OF_SESSION, (session_id,))
    if not rows:
        return
    confirmed = []
    for row_id, subagent_id, fingerprint, at_ms in rows:
        theirs = (event for event in events if (event.subagent_id or "") == subagent_id)
        if any(_confirms(event.at_ms, event.body, fingerprint, at_ms) for event in theirs):
            confirmed.append((row_id,))
    await db.executemany("DELETE FROM provisional WHERE id = ?", confirmed)


async def forget_provisional(db: aiosqlite.Connection, *, before_ms: int) -> int:
    """Removes rows reported before `before_ms` that no record confirmed; returns their number."""
    projects = [project_id for (project_id,) in await db.execute_fetchall(_PROJECTS_WITH_OLD, (before_ms,))]
    ((forgotten,),) = await db.execute_fetchall("SELECT count(*) FROM provisional WHERE at_ms < ?", (before_ms,))
    await db.execute_fetchall("DELETE FROM provisional WHERE at_ms < ?", (before_ms,))
    await mark_changed(db, projects, started_ms=0)
    return int(forgotten)


def _last_turn_confirms(newest: list[tuple[int, str | bytes]], fingerprint: bytes, at_ms: int) -> bool:
    # Only back to the prompt: the same content in an earlier turn is another event.
    for event_ms, stored in newest:
        body = decode_body(stored)
        if _confirms(event_ms, body, fingerprint, at_ms):
            return True
        if isinstance(body, UserPrompt):
            break
    return False


def _confirms(event_ms: int, body: AnyBody, fingerprint: bytes, at_ms: int) -> bool:
    # The conversation itself is written in order; titles, queued prompts and the like come in between.
    in_order = isinstance(body, UserPrompt | AssistantMessage | ToolCall | ToolResult | TurnEnd)
    return (in_order and event_ms >= at_ms) or content_fingerprint(body) == fingerprint
