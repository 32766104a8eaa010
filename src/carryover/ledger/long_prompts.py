"""Finds the lines of long prompts that also came in other prompts, of whichever project, by hashes that the search
index keeps.

`prompt_line` has the lines of each different text once, so that a prompt which is sent a thousand times costs nothing.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import Final

import msgspec

from carryover.ledger.codec import read_body
from carryover.model import AnyBody, UserPrompt
from carryover.text.prompt_lines import LEAST_LINES, hashed, long_lines, text_hash

MOST_LIKE_IT: Final = 8
"""How many other texts are compared with a prompt."""
_MOST_ASKED: Final = 24
"""How many lines of a prompt are looked up, spread over all of it."""
_MOST_TEXTS: Final = 16
"""How many texts are looked at that share a line."""

_OF_THREAD: Final = "SELECT id, at_ms FROM long_prompt WHERE thread_id = ? ORDER BY id"
_BODY: Final = "SELECT body FROM event WHERE id = ?"
_SHARING: Final = """SELECT text FROM prompt_line
    WHERE line = ? AND text != (SELECT text FROM long_prompt WHERE id = ?) LIMIT ?"""
_IN_THREAD: Final = "SELECT 1 FROM long_prompt WHERE thread_id = ? AND text = ?"
_OF_TEXT: Final = "SELECT body FROM event WHERE id = (SELECT min(id) FROM long_prompt WHERE text = ?)"


def prompt_hashes(body: AnyBody) -> str | None:
    """Returns the hashes of a person's long prompt and of its lines as JSON; None for any other event."""
    if not isinstance(body, UserPrompt) or body.actor != "human":
        return None
    lines = long_lines(body.typed)
    if len(lines) < LEAST_LINES:
        return None
    return msgspec.json.encode([text_hash(body.typed), *map(hashed, lines)]).decode()


def long_prompts(db: sqlite3.Connection, thread_id: int) -> dict[int, int]:
    """Returns the ids of a thread's long prompts by time (UTC ms), where only one has that time."""
    rows = db.execute(_OF_THREAD, (thread_id,)).fetchall()
    times = Counter(at_ms for _, at_ms in rows)
    return {at_ms: event_id for event_id, at_ms in rows if times[at_ms] == 1}


def is_of_thread(db: sqlite3.Connection, thread_id: int, text: str) -> bool:
    """Whether a long prompt of the thread has this text."""
    return db.execute(_IN_THREAD, (thread_id, text_hash(text))).fetchone() is not None


def prompt_of(db: sqlite3.Connection, event_id: int) -> UserPrompt | None:
    """Returns the whole prompt of an event; None if it is damaged."""
    return _prompt(db, _BODY, event_id)


def prompts_like(db: sqlite3.Connection, event_id: int, text: str) -> list[str]:
    """Returns at most 8 other prompts, from any project, that share most lines with `text`, the long prompt of an
    event."""
    lines = long_lines(text)
    shared: Counter[int] = Counter()
    for line in lines[:: -(-len(lines) // _MOST_ASKED)]:
        shared.update(other for (other,) in db.execute(_SHARING, (hashed(line), event_id, _MOST_TEXTS)))
    most = sorted(shared, key=lambda other: (-shared[other], other))[:MOST_LIKE_IT]
    prompts = (_prompt(db, _OF_TEXT, other) for other in most if shared[other] > 1)
    return [prompt.typed for prompt in prompts if prompt is not None]


def _prompt(db: sqlite3.Connection, statement: str, key: int) -> UserPrompt | None:
    row = db.execute(statement, (key,)).fetchone()
    body = read_body(db, row[0]) if row is not None else None
    return body if isinstance(body, UserPrompt) else None
