"""Queries on the content of sessions: digests, events, turns, what was said. Read-only and blocking.

Queries that run at each change use an index and read a bounded number of rows. A turn begins with a prompt by a person.
"""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from carryover.ledger.codec import is_of, read_body
from carryover.ledger.rows import SUPERSEDED, SessionRow, ThreadRow, as_reduced
from carryover.model import NOTE, PIN, AnyBody, AssistantMessage, Event, Pin, StoredEvent, UserPrompt

_THREADS: Final = "SELECT id, subagent_id, fold_version, digest FROM thread WHERE session_id = ?"
_MAIN: Final = "thread_id = (SELECT id FROM thread WHERE session_id = ? AND subagent_id = '')"
_SUB_AGENT: Final = "thread_id = (SELECT id FROM thread WHERE session_id = ? AND subagent_id = ?)"
_ONLY_MAIN: Final = "AND subagent_id = ''"
_COUNTING: Final = "SELECT id, at_ms, body FROM event WHERE thread_id = ? AND retracted = 0 ORDER BY id"
_UNDER: Final = "SELECT at_ms, body FROM event WHERE key = ? AND retracted = 0"
_EVENTS: Final = f"SELECT at_ms, retracted, body FROM event WHERE {{}} AND retracted < {SUPERSEDED} {{}} ORDER BY id"
_BACK: Final = f"SELECT at_ms, body FROM event WHERE {_MAIN} AND retracted = 0 ORDER BY id DESC"
_PROMPTS: Final = f"""SELECT id, at_ms, body FROM event
    WHERE {_MAIN} AND retracted = 0 AND {is_of("user_prompt")} ORDER BY id"""
_OF_PROJECT: Final = """FROM session JOIN thread ON thread.session_id = session.id
    JOIN event ON event.thread_id = thread.id
    WHERE session.project_id = ? AND subagent_id = '' AND event.retracted = 0"""
_OLDEST: Final = f"SELECT event.at_ms, body {_OF_PROJECT} AND native_id = ? ORDER BY event.id LIMIT ?"
_PINNED: Final = f"""SELECT native_id, event.at_ms, body {_OF_PROJECT}
    AND agent = '{NOTE}' AND native_id BETWEEN '{PIN}' AND '{PIN}~' AND {is_of("user_prompt")} ORDER BY event.id"""
_MOST_BEFORE: Final = 4
"""How many events at the beginning of a note are searched for its text."""


TurnStart = tuple[int, int]
"""The prompt that begins a turn: its row in the ledger, and its time (UTC ms)."""


def main_thread(db: sqlite3.Connection, session_id: int) -> ThreadRow | None:
    """Returns the session's main conversation; None if only sub-agents are known."""
    return next(_threads(db, f"{_THREADS} AND subagent_id = ''", (session_id,)), None)


def sub_agent_threads(db: sqlite3.Connection, session_id: int, *, limit: int) -> list[ThreadRow]:
    """Returns the session's sub-agents, most recently active first."""
    newest = f"{_THREADS} AND subagent_id != '' ORDER BY last_ms DESC LIMIT ?"
    return list(_threads(db, newest, (session_id, limit)))


def _threads(db: sqlite3.Connection, statement: str, values: tuple[int, ...]) -> Iterator[ThreadRow]:
    return (ThreadRow(*row) for row in db.execute(statement, values))


def counting_events(db: sqlite3.Connection, thread: ThreadRow, session: str) -> Iterator[Event]:
    """Yields the events of a thread that count, in the order in which they arrived, as a reducer gets them."""
    rows = _read(db, db.execute(_COUNTING, (thread.id,)))
    return (as_reduced(event_id, at_ms, body, session, thread.subagent_id) for event_id, at_ms, body in rows)


def stored_under(db: sqlite3.Connection, key: bytes) -> tuple[int, AnyBody] | None:
    """Returns time and body of the event with this key (`event_key`); None if there is none that counts."""
    return next(((at_ms, body) for at_ms, body in _read(db, db.execute(_UNDER, (key,)))), None)


def session_events(
    db: sqlite3.Connection,
    session: SessionRow,
    kinds: Sequence[str] = (),
    *,
    subagents: bool = True,
    since: TurnStart | None = None,
) -> Iterator[StoredEvent]:
    """Yields the session's events, or those of these `kinds`, with its sub-agents' merged in by time unless it is
    without `subagents`; each thread keeps its own order. With `since`, only from the beginning of that turn on: reading
    all before it takes long in a long session."""
    of_session = f"SELECT id, subagent_id FROM thread WHERE session_id = ? {'' if subagents else _ONLY_MAIN}"
    threads = db.execute(f"{of_session} ORDER BY subagent_id", (session.id,))
    # Begun here and not when they are read, all see the same moment of the ledger: a record that comes meanwhile shows
    # neither twice nor never.
    narrowed = f"AND ({' OR '.join(map(is_of, kinds))})" if kinds else ""
    streams = [
        _events(
            db,
            db.execute(_EVENTS.format("thread_id = ?", f"{narrowed} {_begun(since, subagent_id)}"), (thread_id,)),
            subagent_id or None,
        )
        for thread_id, subagent_id in threads.fetchall()
    ]
    return heapq.merge(*streams, key=lambda event: event.at_ms)


def _begun(since: TurnStart | None, subagent_id: str) -> str:
    """Returns the condition that an event of a thread came with that turn or later, as `turn_of` decides it."""
    if since is None:
        return ""
    event_id, at_ms = since
    return f"AND at_ms >= {at_ms}" if subagent_id else f"AND id >= {event_id}"


def events_back(db: sqlite3.Connection, session_id: int) -> Iterator[tuple[int, AnyBody]]:
    """Yields time and body of the events in a session's main conversation, newest first; reads only as many as are
    consumed."""
    return ((at_ms, body) for at_ms, body in _read(db, db.execute(_BACK, (session_id,))))


def turn_starts(db: sqlite3.Connection, session_id: int) -> list[TurnStart]:
    """Returns the beginnings of a session's turns; the first one is turn 1's."""
    found = _read(db, db.execute(_PROMPTS, (session_id,)))
    return [(event_id, at_ms) for event_id, at_ms, body in found if isinstance(body, UserPrompt) and body.begins_turn]


def turn_events(
    db: sqlite3.Connection, session_id: int, starts: Sequence[TurnStart], number: int
) -> Iterator[StoredEvent]:
    """Yields the events of turn `number` in the main conversation; 0 is everything before the first."""
    begin = starts[number - 1][0] if number else 0
    end = starts[number][0] if number < len(starts) else 2**62
    return _events(db, db.execute(_EVENTS.format(_MAIN, "AND id >= ? AND id < ?"), (session_id, begin, end)), None)


def sub_agent_events(db: sqlite3.Connection, session_id: int, subagent_id: str) -> Iterator[StoredEvent]:
    """Yields the events of one of the session's sub-agents."""
    return _events(db, db.execute(_EVENTS.format(_SUB_AGENT, ""), (session_id, subagent_id)), subagent_id)


def turn_of(starts: Sequence[TurnStart], event_id: int, at_ms: int, subagent_id: str | None) -> int:
    """Returns the number of the turn that an event belongs to; a sub-agent's, by its time."""
    return sum(began_ms <= at_ms if subagent_id else prompt_id <= event_id for prompt_id, began_ms in starts)


def text_of_note(db: sqlite3.Connection, project_id: int, session: str) -> str:
    """Returns the first part of a note's text; empty if there is no such note."""
    found = _read(db, db.execute(_OLDEST, (project_id, session, _MOST_BEFORE)))
    return next((body.text for _, body in found if isinstance(body, AssistantMessage)), "")


def pins(db: sqlite3.Connection, project_id: int) -> list[Pin]:
    """Returns what the user pinned in a project and did not take back, oldest first."""
    newest: dict[str, Pin] = {}
    for session, at_ms, body in _read(db, db.execute(_PINNED, (project_id,))):
        newest.pop(session, None)
        if isinstance(body, UserPrompt) and body.command != "unpin":
            newest[session] = Pin(session=session, text=body.text, is_done=body.command == "done", at_ms=at_ms)
    return list(newest.values())


def _events(db: sqlite3.Connection, rows: Iterable[tuple[Any, ...]], subagent_id: str | None) -> Iterator[StoredEvent]:
    for at_ms, retracted, body in _read(db, rows):
        yield StoredEvent(at_ms=at_ms, subagent_id=subagent_id, body=body, retracted=bool(retracted))


def _read(db: sqlite3.Connection, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Yields the rows with the body, in their last column, decoded."""
    for *row, stored in rows:
        if (body := read_body(db, stored)) is not None:
            yield (*row, body)
