"""Goose: a terminal agent with one database for the sessions of all projects. FACTS.md has what it looks like.

A message is one row, written when its round is over; newer versions also write a growing row again. A compaction writes
all rows of a session again, with the ids that the messages had, then a summary for the model alone, and once more the
prompt that it answers to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from carryover.adapter.contract import Agent, Batch, FileStat, Source, ToolOutcome
from carryover.agents.goose.spec import SPEC
from carryover.model import AgentSummary, AssistantMessage, Op, PlanItem, PlanUpdate, UserPrompt, session_in_other_cwd
from carryover.records import rawjson
from carryover.records.changes import Change, Replacement, replaced, written
from carryover.records.fields import SHORT_CHARS, SUBJECT_CHARS, bounded, digest
from carryover.records.lenient import Fields, fields_of, first_text, inside, is_true, items_of, number_of, text_of
from carryover.records.patches import place_of
from carryover.records.text import names_own_folder, without_ansi, without_handoff
from carryover.text.pattern import later
from carryover.transcript import sqlite
from carryover.transcript.recorder import OpenCall, Tools, usable_name
from carryover.transcript.refusals import refused
from carryover.transcript.rewritten import MAX_CONVERSATIONS, Piece, read_on
from carryover.transcript.stat_cache import StatCachedReader, utc_now_ms
from carryover.transcript.stored import Context, Session, StoredBuilder, StoredRecord, parse_stored

_NAME: Final = "sessions.db"


TOOLS: Final = Tools(
    {
        "shell": "shell",
        "read": "read tree image_processor view",
        "edit": "edit str_replace insert",
        "write": "write",
        "search": "analyze",
        "plan": "todo_write",
        "agent": "delegate execute_task",
    }
)
"""The built-in tools, without the extension before their names."""
_ABOUT: Final = ("command", "path", "instructions", "query", "url", "name")
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
    "thinking",
    "redactedThinking",
    "reasoning",
    "systemNotification",
    "toolConfirmationRequest",
    "actionRequired",
    "conversationCompacted",
)
_NEWEST_ROWS: Final = 100
"""How many of the newest rows have their length compared, since they may have grown."""

# Added last of the columns that are read, so a database of former versions has none of it.
_IDS: Final = "SELECT name FROM pragma_table_info('messages') WHERE name = 'message_id'"
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
_TODO: Final = later(r"^\s*[-*] \[(.)\] (\S.*)$", re.M)


def _called(given: Fields, cwd: str | None) -> OpenCall | None:
    """Returns the call in a `toolRequest`; None if it has no usable id or name."""
    call = inside(given.get("toolCall", rawjson.ABSENT), "value")
    call_id = usable_name(text_of(given.get("id")))
    name = usable_name(text_of(fields_of(call).get("name")))
    if call_id is None or name is None:
        return None
    args = fields_of(inside(call, "arguments"))
    tool = name.split("__")[-1]
    tool = text_of(args.get("command")) if tool == "text_editor" else tool
    op = TOOLS.op(tool)
    if op == "shell":
        return OpenCall.of_command(call_id, name, text_of(args.get("command")), cwd)
    path = place_of(text_of(args.get("path")), cwd)
    about = path or first_text(args, *_ABOUT) or name
    return OpenCall(
        id=call_id,
        name=name,
        op=op,
        subject=bounded(about, SUBJECT_CHARS),
        changes=() if path is None else _changes(op, path, args),
        handoff=names_own_folder(about),
    )


def _outcome(op: Op, result: msgspec.Raw) -> ToolOutcome:
    """Determines how a call ended from its `toolResult`."""
    fields = fields_of(result)
    if text_of(fields.get("status")) == "error":
        return ToolOutcome("error", text_of(fields.get("error")))
    value = fields.get("value", rawjson.ABSENT)
    given = fields_of(value)
    output = without_ansi(rawjson.text_of(given.get("content", value)) or "")
    code = number_of(fields_of(given.get("structuredContent")).get("exit_code"))
    if output == _DECLINED and code is None:
        # A command that fails has a code, so an error without one is not what it printed.
        by_client = op in _CLIENT_WORDED or (op == "shell" and is_true(given.get("isError")))
        return refused(output, by_client=by_client, by_user=True)
    return ToolOutcome("error" if is_true(given.get("isError")) else "ok", output, exit_code=code)


def _todos_in(given: Fields) -> tuple[PlanItem, ...]:
    """Returns the entries of the todo list that a call writes: lines with a box."""
    content = text_of(fields_of(inside(given.get("toolCall", rawjson.ABSENT), "value", "arguments")).get("content"))
    return tuple(_items(content))


def _items(content: str) -> Iterator[PlanItem]:
    for box, text in _TODO.findall(content)[:200]:
        yield PlanItem(text=bounded(text, SHORT_CHARS), state="done" if box in "xX" else "pending")


def _changes(op: Op, path: str, args: Fields) -> tuple[Change, ...]:
    if op == "write":
        return (written(path, first_text(args, "content", "file_text")),)
    if op != "edit":
        return ()
    pair = Replacement(first_text(args, "before", "old_str"), first_text(args, "after", "new_str"))
    return (replaced(path, [pair], counted=True),)


class _Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message. `last`: nothing of the same turn follows it yet; `sums_up`: it is the summary of a compaction."""

    role: str
    key: str
    at_s: int
    content: msgspec.Raw = rawjson.ABSENT
    last: bool = False
    sums_up: bool = False


class _SessionRecord(StoredRecord, frozen=True, omit_defaults=True):
    """Announces a session's pieces, holds one of them, or tells the session's facts after them."""

    entry: _Entry | None = None


_RECORD: Final = msgspec.json.Decoder(_SessionRecord)


class _DatabaseReader:
    """Reads a database; see `carryover.adapter.contract.Reader`."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Reads what changed, newest sessions first. Raises as `transcript.sqlite.read_transaction` does."""
        now_ms = utc_now_ms()
        return sqlite.read_database(path, lambda db: read_on(_Database(db), cursor, now_ms=now_ms))

    def stat(self, path: Path) -> FileStat:
        """Returns the size and time of the database and its WAL."""
        return sqlite.stat(path)


class _Row(NamedTuple):
    id: int
    message: str
    role: str
    at_s: int
    hidden: bool
    """Whether it is for the model alone."""
    result: bool
    same: tuple[object, ...]
    """What the copy that a compaction makes of a prompt has in common with it."""


class _Database:
    """A snapshot of the database; see `carryover.transcript.rewritten.Snapshot`."""

    def __init__(self, db: sqlite.Connection) -> None:
        self._db = db
        self._sessions: dict[str, Session] = {}
        if not sqlite.rows(db, _IDS, ()):
            return
        for ident, created, folder, name, model in sqlite.rows(db, _SESSIONS, ()):
            session = Session(
                id=_text(ident),
                # Ids are counted from 1 each day, so another machine has the same ones.
                name=session_in_other_cwd(_text(ident), digest(_text(created))[:8]),
                directory=_text(folder) or None,
                title=_text(name)[:1000] or None,
                model=text_of(fields_of(_text(model).encode()).get("model_name"))[:200] or None,
            )
            self._sessions[session.id] = session

    def conversations(self) -> list[tuple[str, str]]:
        """Returns the sessions, most recently changed first."""
        if not self._sessions:
            return []
        lengths = dict(sqlite.rows(self._db, _LENGTHS, (_NEWEST_ROWS,)))
        marks = {_text(ident): (newest, count) for ident, newest, count in sqlite.rows(self._db, _MARKS, ())}
        known = sorted(marks.keys() & self._sessions.keys(), key=lambda ident: -marks[ident][0])
        return [
            (ident, f"{marks[ident]} {lengths.get(marks[ident][0])} {self._sessions[ident]}")
            for ident in known[:MAX_CONVERSATIONS]
        ]

    def conversation(self, ident: str, notes: dict[str, str]) -> _StoredSession:  # noqa: ARG002
        """Returns a session with its messages, without those that were copied from another one."""
        copied = {_text(message): _text(other) for message, other in sqlite.rows(self._db, _COPIED, (ident,))}
        origin = next(iter(copied.values()), None)
        forked_from = self._sessions[origin].name if origin in self._sessions else origin
        session = msgspec.structs.replace(self._sessions[ident], forked_from=forked_from)
        rows = [_row(*values) for values in sqlite.rows(self._db, _ROWS, (ident,))]
        return _StoredSession(self._db, session, [row for row in _without_copies(rows) if row.message not in copied])


class _StoredSession:
    """A session's pieces; see `carryover.transcript.rewritten.Conversation`."""

    rests_ms: int | None = None

    def __init__(self, db: sqlite.Connection, session: Session, rows: list[_Row]) -> None:
        self._db, self._session, self._rows = db, session, rows
        times: dict[str, int] = {}
        self._last = _last_of_turns(rows)
        self.pieces: list[Piece] = []
        for number, row in enumerate(rows):
            times[row.message] = times.get(row.message, 0) + 1
            self.pieces.append((f"{row.message}/{times[row.message]}", self._mark(number)))

    def begin(self, *, on: bool, more: bool) -> bytes | None:
        return msgspec.json.encode(_SessionRecord("begin", self._session, on=on, more=more))

    def piece(self, number: int) -> bytes | None:
        row = self._rows[number]
        sums_up = self._sums_up(number)
        if row.hidden and not sums_up:
            return None
        key, _ = self.pieces[number]
        [(content,)] = sqlite.rows(self._db, _CONTENT, (row.id,))
        parts = rawjson.part_of(msgspec.Raw(_text(content).encode()), list[msgspec.Raw])
        entry = _Entry(
            role=row.role,
            key=key,
            at_s=row.at_s,
            content=rawjson.ABSENT if parts is None else msgspec.Raw(msgspec.json.encode(parts)),
            last=number in self._last,
            sums_up=sums_up,
        )
        return msgspec.json.encode(_SessionRecord("message", self._session, entry=entry))

    def end(self, emitted: int) -> bytes | None:  # noqa: ARG002 (the name is the protocol's)
        return msgspec.json.encode(_SessionRecord("session", self._session))

    def _mark(self, number: int) -> str:
        row = self._rows[number]
        return f"{row.same[1]} {row.hidden} {number in self._last} {self._sums_up(number)}"

    def _sums_up(self, number: int) -> bool:
        """Whether a message is a summary: for the model alone, as is the one after it, that tells it to go on."""
        row, *after = self._rows[number : number + 2]
        return row.hidden and row.role == "user" and any(each.hidden and each.role == "assistant" for each in after)


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
    ident, message, role, at_s, metadata, length, head = values
    shown = fields_of(_text(metadata).encode())
    hidden = is_true(shown.get("agentVisible")) and bytes(shown.get("userVisible", rawjson.ABSENT)) == b"false"
    time = at_s if isinstance(at_s, int) else 0
    is_result = isinstance(head, bytes) and _RESULT in head
    return _Row(ident, _text(message) or str(ident), _text(role), time, hidden, is_result, (role, length, head))


def _text(value: object) -> str:
    return sqlite.text_of(value) or ""


def _piece(recorder: StoredBuilder, record: _SessionRecord) -> None:
    native, entry = recorder.native, record.entry
    recorder.at_ms = recorder.reported.last_ms
    if entry is not None:
        recorder.at_ms = entry.at_s * 1000 if 0 < entry.at_s < 4_102_444_800 else recorder.at_ms
        recorder.report(last_ms=max(recorder.reported.last_ms, recorder.at_ms))
    title = None if _UNNAMED.fullmatch(native.title or "") else native.title
    recorder.add_facts({"title": title, "model": native.model, "parent": native.forked_from})
    if entry is not None and recorder.at_ms:
        _entry(recorder, entry)
    elif entry is not None:
        recorder.skip("message", "no time")


def _entry(recorder: StoredBuilder, entry: _Entry) -> None:
    parts = [fields_of(part) for part in items_of(entry.content)]
    kinds = [text_of(part.get("type")) for part in parts]
    said = [text_of(part.get("text")) for part, kind in zip(parts, kinds, strict=True) if kind == "text"]
    text = without_handoff("\n".join(said)).strip()
    key = f"{recorder.native.id}/{entry.key}"
    images = kinds.count("image")
    if entry.sums_up and text:
        recorder.add(AgentSummary(text=text, source="compaction"), f"{key}:summary")
    elif entry.role == "user" and (text or images):
        recorder.add(UserPrompt(text=text, actor=recorder.actor, attachments=images), f"{key}:prompt")
    elif entry.role == "assistant" and text:
        is_final = entry.last and "toolRequest" not in kinds
        recorder.add(AssistantMessage(text=text, final=is_final), f"{key}:text")
    elif entry.role not in ("user", "assistant"):
        recorder.skip(f"message/{entry.role}", "unknown role")
    for number, (kind, part) in enumerate(zip(kinds, parts, strict=True)):
        _part(recorder, kind, part, f"{key}/{number}")


def _part(recorder: StoredBuilder, kind: str, part: Fields, key: str) -> None:
    match kind:
        case "toolRequest" | "frontendToolRequest":
            _call(recorder, part, key)
        case "toolResponse":
            _result(recorder, part, key)
        case "text" | "image":
            pass
        case _ if kind not in _QUIET:
            recorder.skip(f"part/{kind}", "unknown type")


def _call(recorder: StoredBuilder, part: Fields, key: str) -> None:
    call = _called(part, recorder.cwd)
    if call is None:
        recorder.skip("part/toolRequest", "no usable id or name")
        return
    recorder.begin_call(call, f"{key}:call")
    if call.op == "plan":
        recorder.add(PlanUpdate(items=_todos_in(part)), f"{key}:todos")


def _result(recorder: StoredBuilder, part: Fields, key: str) -> None:
    ident = text_of(part.get("id"))
    if recorder.identify("part/toolResponse", ident):
        call = recorder.take_call(ident)
        outcome = _outcome(call.op, part.get("toolResult", rawjson.ABSENT))
        recorder.end_call(call, outcome, result=f"{key}:result", edit=f"{key}:edit")


def source_of(path: Path, root: Path) -> Source | None:
    """Returns the source at `path`: the database, also for a change of its log; None if it is something else."""
    names = (_NAME, f"{_NAME}-wal", f"{_NAME}-journal")
    return _source(root / _NAME) if path.parent == root and path.name in names else None


def sources(root: Path) -> list[Source]:
    """Returns the database below `root`, if there is one."""
    return [_source(root / _NAME)] if (root / _NAME).is_file() else []


def _source(path: Path) -> Source:
    return Source(agent=SPEC.id, path=str(path))


AGENT: Final = Agent(
    spec=SPEC,
    reader=StatCachedReader(_DatabaseReader()),
    context_type=Context,
    source_of=source_of,
    sources=sources,
    parse=partial(parse_stored, _RECORD, _piece),
)
