"""Queries on one project's work: digests, worktrees, what was said. Read-only and blocking.

Most of them run at each change, so every query uses an index and reads a bounded number of rows: the cost doesn't grow
with the age of the project.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec

from carryover.ledger.codec import may_be, read_body, unpack_digest
from carryover.ledger.rows import LINES, MAX_PROVISIONAL, PROVISIONAL, SUPERSEDED, StoredBody, StoredEvent
from carryover.model import AssistantMessage, UserPrompt

_MAIN_THREAD: Final = """SELECT id, subagent_id, fold_version, digest FROM thread
    WHERE session_id = ? AND subagent_id = ''"""
_SUB_AGENTS: Final = """SELECT id, subagent_id, fold_version, digest FROM thread
    WHERE session_id = ? AND subagent_id != '' ORDER BY last_ms DESC LIMIT ?"""
_WORKTREES: Final = """SELECT id, root, last_event_ms FROM project
    WHERE main_root = ? ORDER BY last_event_ms DESC LIMIT ?"""
_AT: Final = """SELECT session.native_id, event.at_ms, event.body FROM event JOIN thread ON thread.id = thread_id
    JOIN session ON session.id = session_id
    WHERE session.project_id = ? AND subagent_id = '' AND retracted = 0
    AND event.at_ms IN ({marks}) ORDER BY event.id"""
_NEWEST: Final = """SELECT event.at_ms, event.body FROM event JOIN thread ON thread.id = thread_id
    JOIN session ON session.id = session_id WHERE session.project_id = ? AND session.native_id = ?
    AND subagent_id = '' AND retracted = 0 ORDER BY event.id DESC LIMIT ?"""
_TIMES_AT_ONCE: Final = 400
_MOST_LOOKED_AT: Final = 500
"""How many events at the end of a session are searched for its last answer."""


class ThreadRow(msgspec.Struct, frozen=True, kw_only=True):
    """A thread with its digest as that reducer version stored it. `subagent_id` is '' for the main conversation."""

    id: int
    subagent_id: str
    fold_version: int
    digest: bytes


@contextmanager
def snapshot(db: sqlite3.Connection) -> Iterator[None]:
    """Makes all reads inside the block see the same state of the ledger."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("ROLLBACK")


def main_thread(db: sqlite3.Connection, session_id: int) -> ThreadRow | None:
    """Returns the session's main conversation; None if only sub-agents are known."""
    return next(_threads(db, _MAIN_THREAD, (session_id,)), None)


def sub_agent_threads(db: sqlite3.Connection, session_id: int, *, limit: int) -> list[ThreadRow]:
    """Returns the session's sub-agents, most recently active first."""
    return list(_threads(db, _SUB_AGENTS, (session_id, limit)))


def _threads(db: sqlite3.Connection, statement: str, values: tuple[int, ...]) -> Iterator[ThreadRow]:
    for thread_id, subagent_id, fold_version, digest in db.execute(statement, values):
        yield ThreadRow(id=thread_id, subagent_id=subagent_id, fold_version=fold_version, digest=unpack_digest(digest))


def stored_bodies(db: sqlite3.Connection, thread_id: int) -> Iterator[StoredBody]:
    """Yields the events of a thread that count, in the order they came."""
    for event_id, at_ms, stored in db.execute(LINES, (thread_id,)):
        if (body := read_body(db, stored)) is not None:
            yield StoredBody(event_id, at_ms, body)


def provisional_bodies(db: sqlite3.Connection, session_id: int) -> list[tuple[str, StoredBody]]:
    """Returns the provisional events of a session by time, each with its sub-agent.

    Their ids are negative, so that they never equal an event's id.
    """
    rows = db.execute(PROVISIONAL, (session_id, MAX_PROVISIONAL)).fetchall()
    return [
        (subagent_id, StoredBody(-row_id, at_ms, body))
        for row_id, subagent_id, at_ms, stored in reversed(rows)
        if (body := read_body(db, stored)) is not None
    ]


def worktrees(db: sqlite3.Connection, root: str, *, limit: int) -> list[tuple[int, str, int]]:
    """Returns the checkout's worktrees, most recently active first: id, root, and time of the last event (UTC ms)."""
    return list(db.execute(_WORKTREES, (root, limit)))


def prompts_at(db: sqlite3.Connection, project_id: int, times_ms: Collection[int]) -> list[tuple[str, int, str]]:
    """Returns the prompts typed in a project at these times: session id, time, text."""
    wanted = sorted({at_ms for at_ms in times_ms if at_ms > 0})[:_TIMES_AT_ONCE]
    if not wanted:
        return []
    statement = _AT.format(marks=",".join("?" * len(wanted)))
    bodies = (
        (session, at_ms, read_body(db, stored))
        for session, at_ms, stored in db.execute(statement, (project_id, *wanted))
    )
    return [
        (session, at_ms, body.text)
        for session, at_ms, body in bodies
        if isinstance(body, UserPrompt) and body.actor == "human"
    ]


def last_answer(db: sqlite3.Connection, project_id: int, session: str) -> tuple[int, str] | None:
    """Returns the time and text of the newest answer in the main conversation; None if there is none near its end."""
    for at_ms, stored in db.execute(_NEWEST, (project_id, session, _MOST_LOOKED_AT)):
        body = read_body(db, stored)
        if isinstance(body, AssistantMessage) and body.text.strip():
            return at_ms, body.text
    return None


_MAIN: Final = "thread_id = (SELECT id FROM thread WHERE session_id = ? AND subagent_id = '')"
_PROMPTS: Final = f"""SELECT id, at_ms, body FROM event
    WHERE {_MAIN} AND retracted = 0 AND {may_be("user_prompt")} ORDER BY id"""
_EVENTS: Final = f"""SELECT at_ms, body, retracted FROM event
    WHERE {_MAIN} AND retracted < {SUPERSEDED} AND id >= ? AND id < ? ORDER BY id"""
_END: Final = 2**62


class TurnStart(msgspec.Struct, frozen=True):
    """The prompt that begins a turn: its row in the ledger, and its time (UTC ms)."""

    event_id: int
    at_ms: int


def turn_starts(db: sqlite3.Connection, session_id: int) -> list[TurnStart]:
    """Returns the beginnings of a session's turns; the first one is turn 1's."""
    prompts = (
        (event_id, at_ms, read_body(db, stored)) for event_id, at_ms, stored in db.execute(_PROMPTS, (session_id,))
    )
    return [
        TurnStart(event_id, at_ms)
        for event_id, at_ms, body in prompts
        if isinstance(body, UserPrompt) and body.actor == "human"
    ]


def turn_events(
    db: sqlite3.Connection, session_id: int, starts: Sequence[TurnStart], number: int
) -> Iterator[StoredEvent]:
    """Yields what the main conversation holds of turn `number`; 0 is everything before the first."""
    begin = starts[number - 1].event_id if number else 0
    end = starts[number].event_id if number < len(starts) else _END
    for at_ms, stored, retracted in db.execute(_EVENTS, (session_id, begin, end)):
        if (body := read_body(db, stored)) is not None:
            yield StoredEvent(at_ms=at_ms, subagent_id=None, body=body, retracted=bool(retracted))


def turn_of(starts: Sequence[TurnStart], event_id: int, at_ms: int, subagent_id: str | None) -> int:
    """Returns the number of the turn that an event belongs to; a sub-agent's, by its time."""
    if subagent_id:
        return sum(start.at_ms <= at_ms for start in starts)
    return sum(start.event_id <= event_id for start in starts)
