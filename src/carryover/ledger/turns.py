"""Finds the turns of a session's main conversation without reading the rest of it. Read-only and blocking.

A turn begins with a prompt that a person gave and did not retract, and lasts until the next one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from carryover.ledger.codec import may_be, read_body
from carryover.ledger.rows import SUPERSEDED, StoredEvent
from carryover.model import UserPrompt

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
