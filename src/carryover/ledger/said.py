"""What was said in a session, in full: a prompt by its time, the newest answer. Read-only and blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import Final

from carryover.ledger.codec import decode_body
from carryover.model import AssistantMessage, UserPrompt

_AT: Final = """SELECT session.native_id, event.at_ms, event.body FROM event JOIN thread ON thread.id = thread_id
    JOIN session ON session.id = session_id
    WHERE session.project_id = ? AND subagent_id = '' AND retracted = 0
    AND event.at_ms IN ({marks}) ORDER BY event.id"""
_NEWEST: Final = """SELECT event.at_ms, event.body FROM event JOIN thread ON thread.id = thread_id
    JOIN session ON session.id = session_id WHERE session.project_id = ? AND session.native_id = ?
    AND subagent_id = '' AND retracted = 0 ORDER BY event.id DESC LIMIT ?"""
_TIMES_AT_ONCE: Final = 400
_MOST_LOOKED_AT: Final = 500
"""Events at the end of a session among which its last answer is searched."""


def prompts_at(db: sqlite3.Connection, project_id: int, times_ms: Collection[int]) -> list[tuple[str, int, str]]:
    """What people typed in a project at these times: session id, time, text."""
    wanted = sorted({at_ms for at_ms in times_ms if at_ms > 0})[:_TIMES_AT_ONCE]
    if not wanted:
        return []
    statement = _AT.format(marks=",".join("?" * len(wanted)))
    bodies = (
        (session, at_ms, decode_body(body)) for session, at_ms, body in db.execute(statement, (project_id, *wanted))
    )
    return [
        (session, at_ms, body.text)
        for session, at_ms, body in bodies
        if isinstance(body, UserPrompt) and body.actor == "human"
    ]


def last_answer(db: sqlite3.Connection, project_id: int, session: str) -> tuple[int, str] | None:
    """The time and text of the newest answer in the main conversation; None where its end holds none."""
    for at_ms, stored in db.execute(_NEWEST, (project_id, session, _MOST_LOOKED_AT)):
        body = decode_body(stored)
        if isinstance(body, AssistantMessage) and body.text.strip():
            return at_ms, body.text
    return None
