"""Judges again whose words the stored results of refused calls hold: the migration for what was read before 0.2.0.

Until then the text of a result was enough to make it what the user typed (`transcript.refusals`). What only the
client can have worded stays, as does what the client recorded by itself before the result. Of the rest the words are a
tool's, and the prompt that was made of them, in the same record, waits without its text until its transcript, which is
read again, confirms it. Another prompt with the same words is the user's.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from carryover.ledger.codec import DamagedBody, decode_body, encode_body, is_of
from carryover.ledger.rows import COUNTS, LOST
from carryover.model import ToolResult, UserPrompt

_RESULTS: Final = f"SELECT id, thread_id, at_ms, body FROM event WHERE {is_of('tool_result')} AND retracted = {COUNTS}"
_BEFORE: Final = f"""SELECT id, body FROM event WHERE thread_id = ? AND id < ? AND retracted = {COUNTS}
    AND {is_of("user_prompt")} ORDER BY id DESC LIMIT 3"""
_AFTER: Final = f"""SELECT id, body FROM event WHERE thread_id = ? AND id > ? AND at_ms = ? AND retracted = {COUNTS}
    AND {is_of("user_prompt")} ORDER BY id LIMIT 3"""
_LOSE: Final = f"UPDATE event SET body = '', retracted = {LOST} WHERE id = ?"
_OF_THREADS: Final = "WHERE id IN (SELECT session_id FROM thread WHERE id IN (SELECT value FROM json_each(?)))"
_CHANGED: Final = (
    "UPDATE thread SET fold_version = 0, digest = x'' WHERE id IN (SELECT value FROM json_each(?))",
    f"""UPDATE project SET changed_ms = max(changed_ms, coalesce(published_ms, 0)) + 1
        WHERE id IN (SELECT project_id FROM session {_OF_THREADS})""",
    f"""UPDATE source SET cursor = NULL, context = x'', size = -1, rev = rev + 1
        WHERE state = 'active' AND agent IN (SELECT agent FROM session {_OF_THREADS})""",
)
_INDEX_AGAIN: Final = "UPDATE search_state SET version = 0"
_BY_CLIENT: Final = re.compile(
    r"(?:The user (?:doesn't want to |rejected (?:permission to use |this tool call))"
    r"|Permission for this tool use was denied|Plan rejected\. User feedback)"
)
_CLIENT_WORDED: Final = ("shell", "read", "edit", "write", "search", "plan", "ask")
_REPLACED: Final = "apply_patch"
"""The built-in tool that an MCP server can replace (opencode 1.18.34, Kilo 7.7.9)."""


def judge_refusals(db: sqlite3.Connection) -> None:
    """Takes back, inside the open transaction, the words that a tool may have written."""
    threads: set[int] = set()
    for event_id, thread_id, at_ms, result in list(_uncertain(db)):
        threads.add(thread_id)
        of_tool = replace(
            result,
            status="error",
            never_ran=False,
            output=f"tool refused, it said: {result.user_words}",
            user_words="",
        )
        db.execute("UPDATE event SET body = ? WHERE id = ?", (encode_body(of_tool), event_id))
        for prompt_id in _prompts(db, result.user_words, _AFTER, thread_id, event_id, at_ms):
            db.execute(_LOSE, (prompt_id,))
    if threads:
        changed = "[" + ",".join(map(str, sorted(threads))) + "]"
        for statement in _CHANGED:
            db.execute(statement, (changed,))
        db.execute(_INDEX_AGAIN)


def _uncertain(db: sqlite3.Connection) -> Iterator[tuple[int, int, int, ToolResult]]:
    """Yields the results whose words a tool may have written, with their ids, their threads' and their times."""
    for event_id, thread_id, at_ms, stored in db.execute(_RESULTS):
        result = _decoded(stored)
        if not isinstance(result, ToolResult) or not result.user_words or _is_by_client(result):
            continue
        if not _prompts(db, result.user_words, _BEFORE, thread_id, event_id):
            yield event_id, thread_id, at_ms, result


def _prompts(db: sqlite3.Connection, words: str, query: str, *place: int) -> list[int]:
    """Returns the ids of the prompts with these words among those near a result."""
    found = ((prompt_id, _decoded(stored)) for prompt_id, stored in db.execute(query, place).fetchall())
    return [prompt_id for prompt_id, body in found if isinstance(body, UserPrompt) and body.text == words]


def _decoded(stored: str | bytes) -> object:
    try:
        return decode_body(stored)
    except DamagedBody:  # found and mended when the daemon next reads it
        return None


def _is_by_client(result: ToolResult) -> bool:
    return result.op in _CLIENT_WORDED and result.name != _REPLACED and _BY_CLIENT.match(result.output) is not None
