"""Goose: a terminal agent with one database for the sessions of all projects. FACTS.md has what it looks like.

A message is one row, written when its round is over; newer versions also write a growing row again. A compaction writes
all rows of a session again, with the ids that the messages had, then a summary for the model alone, and once more the
prompt that it answers to.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.adapter.contract import Agent, ToolOutcome
from carryover.adapter.layouts import Layout
from carryover.agents.goose import SPEC
from carryover.model import Op, PlanUpdate, session_in_other_cwd
from carryover.records import rawjson
from carryover.records.asked import checklist
from carryover.records.fields import LATEST_CLOCK_MS, digest
from carryover.records.lenient import Fields, fields_of, inside, is_true, items_of, number_of, text_of
from carryover.records.patches import by_arguments, with_place
from carryover.records.text import without_ansi, without_handoff
from carryover.text.pattern import later
from carryover.transcript import sqlite
from carryover.transcript.recorder import Tools
from carryover.transcript.refusals import refused
from carryover.transcript.rewritten import MAX_CONVERSATIONS, Document, MarkedPiece, Snapshot, stored_session
from carryover.transcript.stored import (
    EntryRecord,
    StoredBuilder,
    StoredContext,
    StoredFacts,
    entry_of,
    parse_entries,
)
from carryover.transcript.turns import add_answer, add_prompt, add_summary, dispatch

_LAYOUTS: Final = (Layout(globs=("sessions.db",), pattern=r"sessions\.db"),)
TOOLS: Final = Tools(
    {
        "shell": "shell",
        "read": "read tree image_processor view",
        "edit": "edit str_replace insert",
        "write": "write",
        "search": "analyze",
        "plan": "todo_write",
        "agent": "delegate execute_task",
    },
    about=("path", "command", "instructions", "query", "url", "name"),
    changes=by_arguments,
    plain=lambda name: name.rpartition("__")[2],
)
"""The built-in tools, without the extension before their names."""
_BY_COMMAND: Final = "text_editor"
"""A tool that does what its argument `command` says."""
_DECLINED: Final = (
    "The user has declined to run this tool. DO NOT attempt to call this tool again. "
    "If there are no alternative methods to proceed, clearly explain the situation and STOP."
)
"""The whole result of a refused call (public source); no field tells it from what a tool says."""
_CLIENT_WORDED: Final = ("edit", "write", "plan")
"""Operations whose results name what was done and hold nothing of what was read or printed."""
_UNNAMED: Final = later(r"(?:CLI Session|New Chat|New session(?: \d+)?)", re.I)
"""Names of sessions that have none of their own yet."""
_QUIET: Final = (
    "text",
    "image",
    "thinking",
    "redactedThinking",
    "reasoning",
    "systemNotification",
    "toolConfirmationRequest",
    "actionRequired",
    "conversationCompacted",
)
_EARLIEST_MS: Final = 10_000_000_000
"""A greater time is in milliseconds, for the client too."""
_NEWEST_ROWS: Final = 100
"""How many of the newest rows have their length compared, since they may have grown."""

_SESSIONS: Final = (
    "SELECT id, created_at, working_dir, name, model_config_json FROM sessions"
    " WHERE session_type NOT IN ('sub_agent', 'hidden', 'scheduled')"
)
_MARKS: Final = "SELECT session_id, max(id), count(*) FROM messages GROUP BY session_id"
_LENGTHS: Final = "SELECT id, length(content_json) FROM messages ORDER BY id DESC LIMIT ?"
_ROWS: Final = (
    "SELECT id, message_id, role, created_timestamp, metadata_json, length(content_json), substr(content_json, 1, 200)"
    " FROM messages WHERE session_id = ? ORDER BY id"
)
# Messages of a copied session keep their ids.
_COPIED: Final = (
    "SELECT m.message_id, o.session_id FROM messages m JOIN messages o ON o.message_id = m.message_id"
    " AND o.session_id != m.session_id WHERE m.session_id = ?1 AND (SELECT rowid FROM sessions WHERE id = o.session_id)"
    " < (SELECT rowid FROM sessions WHERE id = ?1) ORDER BY m.id"
)
_CONTENT: Final = "SELECT content_json FROM messages WHERE id = ?"
_RESULT: Final = b'"type":"toolResponse"'


def _outcome(op: Op, result: msgspec.Raw | None) -> ToolOutcome:
    """Determines how a call ended from its `toolResult`."""
    fields = fields_of(result)
    if text_of(fields.get("status")) == "error":
        return ToolOutcome("error", text_of(fields.get("error")))
    value = fields.get("value")
    given = fields_of(value)
    output = without_ansi(rawjson.content_text(given.get("content", value)) or "")
    code = number_of(fields_of(given.get("structuredContent")).get("exit_code"))
    if output == _DECLINED and code is None:
        # A command that fails has a code, so an error without one is not what it printed.
        by_client = op in _CLIENT_WORDED or (op == "shell" and is_true(given.get("isError")))
        return refused(output, by_client=by_client, by_user=True)
    return ToolOutcome("error" if is_true(given.get("isError")) else "ok", output, exit_code=code)


class _Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message. `last`: nothing of the same turn follows it yet; `sums_up`: it is the summary of a compaction."""

    role: str
    key: str
    content: msgspec.Raw = rawjson.ABSENT
    last: bool = False
    sums_up: bool = False


_RECORD: Final = msgspec.json.Decoder(EntryRecord[_Entry])


class _Row(msgspec.Struct, frozen=True):
    id: int
    message: str
    role: str
    at_ms: int
    hidden: bool
    """Whether it is for the model alone."""
    result: bool
    same: tuple[object, ...]
    """What the copy that a compaction makes of a prompt has in common with it."""


def _taken(db: sqlite.Connection, _path: Path, _now_ms: int) -> Snapshot:
    if not sqlite.has_column(db, "messages", "message_id"):
        # It was added last of the columns that are read: a database of former versions has none of it.
        return Snapshot((), lambda _ident, _notes: None)
    sessions = {sqlite.column_text(row[0]): row for row in sqlite.rows(db, _SESSIONS)}
    marks = [*_marks(db, sessions)] if sessions else []
    return Snapshot(marks, lambda ident, _notes: _session(db, sessions, ident))


def _facts_of(row: sqlite.Columns) -> StoredFacts:
    ident, created, folder, name, model = map(sqlite.column_text, row)
    return StoredFacts(
        id=ident,
        # Ids are counted from 1 each day, so another machine has the same ones.
        name=session_in_other_cwd(ident, digest(created)[:8]),
        directory=folder or None,
        title=None if _UNNAMED.fullmatch(name[:1000]) else name[:1000] or None,
        model=text_of(fields_of(model).get("model_name"))[:200] or None,
    )


def _marks(db: sqlite.Connection, sessions: Mapping[str, sqlite.Columns]) -> Iterator[tuple[str, str]]:
    lengths: dict[int, int] = dict(sqlite.rows(db, _LENGTHS, (_NEWEST_ROWS,)))
    marks = {sqlite.column_text(ident): (newest, count) for ident, newest, count in sqlite.rows(db, _MARKS, ())}
    for ident in sorted(marks.keys() & sessions.keys(), key=lambda ident: -marks[ident][0])[:MAX_CONVERSATIONS]:
        yield ident, f"{marks[ident]} {lengths.get(marks[ident][0])} {sessions[ident]}"


def _session(db: sqlite.Connection, sessions: Mapping[str, sqlite.Columns], ident: str) -> Document:
    """Returns a session with its messages, without those that were copied from another one."""
    copied = {
        sqlite.column_text(message): sqlite.column_text(other) for message, other in sqlite.rows(db, _COPIED, (ident,))
    }
    origin = next(iter(copied.values()), None)
    forked_from = _facts_of(sessions[origin]).name if origin is not None and origin in sessions else origin
    session = msgspec.structs.replace(_facts_of(sessions[ident]), forked_from=forked_from)
    rows = [_row(*values) for values in sqlite.messages_of(db, _ROWS, (ident,))]
    rows = [row for row in _without_copies(rows) if row.message not in copied]
    last, summaries = _last_of_turns(rows), _summaries(rows)
    times: Counter[str] = Counter()
    pieces: list[MarkedPiece] = []
    for number, row in enumerate(rows):
        times[row.message] += 1
        mark = f"{row.same[1]} {row.hidden} {number in last} {number in summaries}"
        pieces.append((f"{row.message}/{times[row.message]}", mark))

    def record(number: int, row: _Row) -> bytes | None:
        if row.hidden and number not in summaries:
            return None
        (content,) = sqlite.row(db, _CONTENT, row.id)
        parts = rawjson.part_of(msgspec.Raw(sqlite.column_text(content).encode()), list[msgspec.Raw])
        entry = _Entry(
            role=row.role,
            key=pieces[number][0],
            content=rawjson.ABSENT if parts is None else msgspec.Raw(msgspec.json.encode(parts)),
            last=number in last,
            sums_up=number in summaries,
        )
        return entry_of(session, entry, row.at_ms)

    return stored_session(session, rows, record, pieces)


def _summaries(rows: list[_Row]) -> frozenset[int]:
    """Returns which messages are summaries: hidden from the user, like the next one, which tells the model to go on."""
    return frozenset(
        number
        for number, (row, after) in enumerate(pairwise(rows))
        if row.hidden and after.hidden and (row.role, after.role) == ("user", "assistant")
    )


def _last_of_turns(rows: list[_Row]) -> frozenset[int]:
    """Returns which messages of the model end their turns, as far as is known."""
    found = []
    after: _Row | None = None
    for number, row in reversed([*enumerate(rows)]):
        if row.role == "assistant" and (after is None or (after.role == "user" and not after.result)):
            found.append(number)
        after = after if row.hidden else row
    return frozenset(found)


def _without_copies(rows: list[_Row]) -> list[_Row]:
    """Returns the messages without the prompts that compactions wrote again."""
    found: list[_Row] = []
    known: set[tuple[object, ...]] = set()
    continued = False
    for row in rows:
        if not (continued and row.same in known):
            found.append(row)
        known.add(row.same)
        continued = row.hidden and row.role == "assistant"
    return found


def _row(*values: Any) -> _Row:
    ident, message, role, at, metadata, length, head = values
    shown = fields_of(sqlite.column_text(metadata))
    hidden = is_true(shown.get("agentVisible")) and bytes(shown.get("userVisible", rawjson.ABSENT)) == b"false"
    time = at if isinstance(at, int) else 0
    at_ms = time * 1000 if time < _EARLIEST_MS else time
    is_result = isinstance(head, bytes) and _RESULT in head
    return _Row(
        ident,
        sqlite.column_text(message) or str(ident),
        sqlite.column_text(role),
        at_ms if at_ms < LATEST_CLOCK_MS else 0,
        hidden,
        is_result,
        (role, length, head),
    )


def _entry(recorder: StoredBuilder, entry: _Entry) -> None:
    parts = [fields_of(part) for part in items_of(entry.content)]
    kinds = [text_of(part.get("type")) for part in parts]
    said = [text_of(part.get("text")) for part, kind in zip(parts, kinds, strict=True) if kind == "text"]
    text = without_handoff("\n".join(said)).strip()
    key = f"{recorder.native.id}/{entry.key}"
    images = kinds.count("image")
    if entry.sums_up and text:
        add_summary(recorder, f"{key}:summary", text)
    elif entry.role == "user":
        add_prompt(recorder, f"{key}:prompt", text, actor=recorder.actor, attachments=images)
    elif entry.role == "assistant":
        add_answer(recorder, f"{key}:text", text, final=entry.last and "toolRequest" not in kinds)
    else:
        recorder.skip(f"message/{entry.role}", "unknown role")
    for number, (kind, part) in enumerate(zip(kinds, parts, strict=True)):
        dispatch(recorder, _PARTS, kind, part, f"{key}/{number}", what="type", within="part/")


def _call(recorder: StoredBuilder, part: Fields, key: str) -> None:
    asked = fields_of(inside(part.get("toolCall"), "value"))
    ident, name, given = text_of(part.get("id")), text_of(asked.get("name")), fields_of(asked.get("arguments"))
    if not recorder.identify("part/toolRequest", ident, name):
        return
    tool = text_of(given.get("command")) if name.rpartition("__")[2] == _BY_COMMAND else name
    call = TOOLS.call(ident, tool, with_place(given, recorder.cwd), recorder.cwd)
    recorder.begin_call(msgspec.structs.replace(call, name=name), f"{key}:call")
    if call.op == "plan":
        recorder.add(PlanUpdate(items=checklist(text_of(given.get("content")))), f"{key}:todos")


def _result(recorder: StoredBuilder, part: Fields, key: str) -> None:
    ident = text_of(part.get("id"))
    if recorder.identify("part/toolResponse", ident):
        call = recorder.take_call(ident)
        outcome = _outcome(call.op, part.get("toolResult"))
        recorder.end_call(call, outcome, result=f"{key}:result", edit=f"{key}:edit")


_PARTS: Final[dict[str, Callable[[StoredBuilder, Fields, str], None] | None]] = {
    "toolRequest": _call,
    "frontendToolRequest": _call,
    "toolResponse": _result,
    **dict.fromkeys(_QUIET),
}
"""How each kind of a message's parts is handled."""


AGENT: Final = Agent(
    spec=SPEC,
    reader=sqlite.database_reader(_taken),
    context_type=StoredContext,
    layouts=_LAYOUTS,
    parse=partial(parse_entries, _RECORD, _entry),
)
