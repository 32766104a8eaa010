"""Reads the editor's global database, in which rows are updated in place while an answer streams.

It is queried by key or key range, never by pattern and never for all values. Only the list of headers shows a
conversation's bubbles and their order: rows of edited or retracted turns stay in the database. No row has a
modification time, and the list of conversations only shows when a turn began, so the content of the newest ones is
compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.agents.cursor import calls
from carryover.agents.cursor.calls import CursorConversation, CursorRecorder, StoreRecord
from carryover.agents.cursor.chats import without_button
from carryover.agents.cursor.folders import folders_of, listed_in
from carryover.clock import utc_now_ms
from carryover.model import AgentSummary, AnyBody, Op, SessionInfo, TurnEnd
from carryover.records import rawjson
from carryover.records.asked import plan_of
from carryover.records.fields import MAX_NAME_CHARS, SHORT_CHARS, bounded, digest
from carryover.records.lenient import (
    Fields,
    fields_of,
    inside,
    is_true,
    items_of,
    number_of,
    read_as,
    text_below,
    text_of,
    time_of,
)
from carryover.records.text import without_handoff
from carryover.transcript import sqlite
from carryover.transcript.bounds import TooLarge
from carryover.transcript.rewritten import Document, NotYet, Snapshot
from carryover.transcript.stat_cache import StatCachedReader
from carryover.transcript.turns import add_answer, add_failure, add_prompt

_MAX_COMPOSER_BYTES: Final = 64 << 20
_MAX_ID_CHARS: Final = 100
_MOST_ABOVE: Final = 6
"""How many sub-agents, each working for the next, are followed: damaged stores may name one another in a circle."""
_WATCHED: Final = 10
"""How many of the newest conversations are compared whenever the database has changed."""
_MOST_LOADED: Final = 64
"""How many bubbles are kept in memory: the marks, and the bubbles after one, are looked at more than once."""
_MOST_BETWEEN: Final = 10
"""How many thoughts two texts of one answer may have between them."""
_SETTLED_MS: Final = 60_000
"""A conversation that was not written to for this long is taken as it is."""

_COMPOSER: Final = "composerData:"
_VALUE: Final = "SELECT value FROM cursorDiskKV WHERE key = ?"
_KEYS: Final = "SELECT rowid, key FROM cursorDiskKV WHERE key >= ? AND key < ?"
_HEAD: Final = "SELECT value FROM composerHeaders WHERE composerId = ?"
_IS_SUBAGENT: Final = "SELECT 1 FROM composerHeaders WHERE composerId = ? AND isSubagent = 1"
_NOT_TYPED: Final = "isSimulatedMsg"
"""Mark of a bubble that the editor wrote as the user's: a plan that was accepted, or that a job or a sub-agent has
ended, with what it said."""
_OF_BUBBLE: Final = ("text", "createdAt", "capabilityType", "toolFormerData", "errorDetails", _NOT_TYPED)
_OF_TOOL: Final = ("name", "toolCallId", "status", "rawArgs", "params", "result", "error")

_USER, _ASSISTANT = 1, 2
"""Types of bubbles and headers."""
_TOOL, _COMPACTION, _THINKING = 15, 22, 30
"""Capability types; bubbles with plain text have none."""
_UNFINISHED: Final = ("loading", "pending", "running")
"""States of a tool call that has not ended."""
_ERROR_TEXTS: Final = ("message", "detail", "title", "error")
_CALL_ERROR_TEXTS: Final = ("clientVisibleErrorMessage", "modelVisibleErrorMessage", "message")
_EMPTY: Final = hashlib.sha256().hexdigest()
"""Suffix of the key of an empty text: a file that had it did not exist."""


class Header(msgspec.Struct, frozen=True, rename="camel"):
    """The entry of a bubble in its conversation's list."""

    bubble_id: str
    type: int | None = None
    created_at: msgspec.Raw = rawjson.ABSENT


def editor_reader(now_ms: Callable[[], int] = utc_now_ms) -> StatCachedReader:
    """Returns the reader of the global database."""
    return sqlite.database_reader(_taken, now_ms)


def _taken(db: sqlite.Connection, path: Path, now_ms: int) -> Snapshot:
    look = _Look(db, path, now_ms)
    return Snapshot(look.marks(), look.conversation)


class _Look:
    """The database as it is now."""

    def __init__(self, db: sqlite.Connection, path: Path, now_ms: int) -> None:
        self.now_ms = now_ms
        self.changed_ms = min(sqlite.stat(path).mtime_ns // 1_000_000, now_ms)
        """The time of the last write."""
        self._db = db
        self._storage = path.parent.parent / "workspaceStorage"
        self._tables = sqlite.tables(db)
        self._columns = {sqlite.column_text(row[1]) for row in sqlite.rows(db, "PRAGMA table_info(composerHeaders)")}
        self._has_heads = {"composerId", "lastUpdatedAt", "value"} <= self._columns
        self._entries = {} if self._has_heads else listed_in(db, "composer.composerHeaders")

    def marks(self) -> list[tuple[str, str]]:
        """Returns each conversation with its row number, time of change, and a digest for the newest ones."""
        if "cursorDiskKV" not in self._tables:
            return []
        updated = self._updated()
        rows = {ident: row for ident, row in self.rows_from(_COMPOSER).items() if 0 < len(ident) <= _MAX_ID_CHARS}
        newest = sorted(rows, key=lambda ident: (updated.get(ident, 0), rows[ident]), reverse=True)
        content = {ident: self._digest_of(ident) for ident in newest[:_WATCHED]}
        return [(ident, f"{rows[ident]} {updated.get(ident, 0)} {content.get(ident, '')}") for ident in newest]

    def conversation(self, ident: str, notes: dict[str, str]) -> Document | None:
        """Returns a conversation. `notes` maps sub-agents to the conversations that were seen to list them."""
        composer = fields_of(self._composer(ident))
        if bytes(composer.get("fullConversationHeadersOnly", rawjson.ABSENT))[:1] != b"[":
            return None  # without a list of bubbles it is unknown what is no longer in it
        head = self._head(ident)
        for child in items_of(composer.get("subagentComposerIds")):
            notes[text_of(child)] = ident
        identifiers = (composer.get("workspaceIdentifier"), head.get("workspaceIdentifier"))
        folders = folders_of(self._storage, identifiers)
        conversation = CursorConversation(
            id=ident,
            title=bounded(text_of(composer.get("name")) or text_of(head.get("name")), SHORT_CHARS),
            model=bounded(text_of(fields_of(composer.get("modelConfig")).get("modelName")), SHORT_CHARS),
            root=self._root_of(ident, composer, head, notes),
            folders=folders.paths,
        )
        updated_ms = max(time_of(composer.get("lastUpdatedAt")), time_of(head.get("lastUpdatedAt")))
        return _Bubbles(self, conversation, composer, updated_ms, is_remote=folders.remote).document()

    def value(self, key: str, limit: int = sqlite.LONGEST_VALUE) -> bytes | None:
        return sqlite.value_at(self._db, _VALUE, key, limit=limit)

    def rows_from(self, prefix: str) -> dict[str, int]:
        """Returns the numbers of the rows whose keys have a prefix, by the rest of the key. Reads only the index."""
        rows = sqlite.messages_of(self._db, _KEYS, (prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1)))
        return {sqlite.column_text(key).removeprefix(prefix): rowid for rowid, key in rows}

    def _root_of(self, ident: str, composer: Fields, head: Fields, notes: Mapping[str, str]) -> str | None:
        """Returns the user's conversation that a sub-agent works for, perhaps through other sub-agents; its own id if
        that is unknown, and None if it is not a sub-agent."""
        parent = None
        for _ in range(_MOST_ABOVE):
            given = (composer.get("subagentInfo"), head.get("subagentInfo"))
            info = next((raw for raw in given if bytes(raw or b"")[:1] == b"{"), None)
            above = text_of(fields_of(info).get("parentComposerId")) or notes.get(ident, ident)
            if above == ident:
                return parent or (ident if info is not None else None)
            parent = above
            ident = above
            composer = fields_of(self._composer(ident))
            head = self._head(ident)
        return parent

    def _digest_of(self, ident: str) -> str:
        with suppress(TooLarge):
            return digest(self._composer(ident) or b"")
        return ""

    def _composer(self, ident: str) -> bytes | None:
        return self.value(f"{_COMPOSER}{ident}", _MAX_COMPOSER_BYTES)

    def _updated(self) -> dict[str, int]:
        if self._has_heads:
            rows = sqlite.rows(self._db, "SELECT composerId, lastUpdatedAt FROM composerHeaders")
            return {sqlite.column_text(ident): at for ident, at in rows if isinstance(at, int)}
        return {ident: time_of(entry.get("lastUpdatedAt")) for ident, entry in self._entries.items()}

    def _head(self, ident: str) -> Fields:
        if not self._has_heads:
            return self._entries.get(ident, {})
        try:
            head = fields_of(sqlite.value_at(self._db, _HEAD, ident))
        except TooLarge:
            return {}
        if "isSubagent" in self._columns and sqlite.rows(self._db, _IS_SUBAGENT, (ident,)):
            return {"subagentInfo": msgspec.Raw(b"{}")} | head
        return head


class _Bubbles:
    """The bubbles of a conversation, of which the last may not be final."""

    def __init__(
        self, look: _Look, conversation: CursorConversation, composer: Fields, updated_ms: int, *, is_remote: bool
    ) -> None:
        self._look = look
        self._conversation = conversation
        self._composer = composer
        self._is_remote = is_remote
        listed = [] if is_remote else items_of(composer.get("fullConversationHeadersOnly"))
        headers = (rawjson.part_of(raw, Header) for raw in listed)
        self._headers = [header for header in headers if header is not None and header.bubble_id]
        self._rows = look.rows_from(f"bubbleId:{conversation.id}:") if self._headers else {}
        self._updated_ms = updated_ms if 0 < updated_ms <= look.now_ms else look.changed_ms
        # The editor notes the time of a change only when a turn begins; the database itself shows that it is working.
        worked_ms = min(max(self._updated_ms, look.changed_ms), self._updated_ms + 10 * _SETTLED_MS)
        self._rests_ms = worked_ms + _SETTLED_MS if worked_ms + _SETTLED_MS >= look.now_ms else None
        self._generating = frozenset(map(text_of, items_of(composer.get("generatingBubbleIds"))))
        status = text_of(composer.get("status"))
        self._runs = status == "generating" or bool(self._generating)
        self._end = "" if self._runs else status
        """How the last turn ended; empty while it runs."""
        self._last_prompt = max((n for n, header in enumerate(self._headers) if header.type == _USER), default=-1)
        self._last_shown: int | None = None
        self._loaded: dict[int, Fields | None] = {}

    def document(self) -> Document:
        """Returns the conversation."""
        # An open bubble keeps its row when it is rewritten, so its content is part of the mark.
        pieces = [(header.bubble_id, self._mark(number)) for number, header in enumerate(self._headers)]
        return Document(
            self._conversation.id, self._headers, self._begin, record=self._piece, end=self._state, pieces=pieces
        )

    def _begin(self, on: bool, more: bool) -> bytes:
        if self._is_remote:
            return self._record("message", what="conversation", why="remote workspace")
        at_ms = time_of(self._composer.get("createdAt")) or self._updated_ms
        return self._record("begin", at_ms=at_ms, on=on, more=more)

    def _piece(self, number: int, header: Header) -> bytes | None:
        bubble = self._bubble(number)
        is_open = self._is_open(number, bubble)
        # A sub-agent without a known parent has its own id there; another conversation may still name it.
        if (is_open or self._conversation.root == self._conversation.id) and self._rests_ms is not None:
            raise NotYet(self._rests_ms)
        if bubble is None:
            is_there = header.bubble_id in self._rows and self._look.value(self._key(number)) is not None
            return self._record("message", what="bubble", why="not JSON") if is_there else None
        record = self._record(
            "message",
            at_ms=time_of(header.created_at) or time_of(bubble.get("createdAt")),
            id=header.bubble_id,
            type=header.type,
            bubble=bubble,
            aborted=(is_open or self._end == "aborted") and self._is_last(number),
            goes_on=_is_text(header, bubble) and self._is_behind_text(number),
        )
        return record if _shows(header, bubble) else None

    def _state(self, emitted: int) -> bytes | None:
        status = self._end if emitted == len(self._headers) else ""
        record = self._record(
            "session",
            status=status,
            id=self._headers[-1].bubble_id if emitted and status else "",
            todos=self._composer.get("todos", rawjson.ABSENT),
            summary=self._composer.get("latestConversationSummary", rawjson.ABSENT),
        )
        return record if emitted else None

    def _record(self, kind: Literal["begin", "message", "session"], **fields: Any) -> bytes:
        return msgspec.json.encode(StoreRecord(kind, self._conversation, **fields))

    def _mark(self, number: int) -> str | int:
        row = self._rows.get(self._headers[number].bubble_id, 0)
        with suppress(TooLarge):
            bubble = self._bubble(number) if number > self._last_prompt else None
            if bubble is not None and self._is_open(number, bubble):
                return f"{row} {digest(msgspec.json.encode(bubble))}"
        return row

    def _key(self, number: int) -> str:
        return f"bubbleId:{self._conversation.id}:{self._headers[number].bubble_id}"

    def _bubble(self, number: int) -> Fields | None:
        """Returns the bubble at a position; None if it has no row (yet) or is not a bubble. Raises TooLarge."""
        if number not in self._loaded:
            if len(self._loaded) > _MOST_LOADED:
                self._loaded.clear()
            self._loaded[number] = _bubble_in(self._look.value(self._key(number)))
        return self._loaded[number]

    def _is_open(self, number: int, bubble: Fields | None) -> bool:
        """Whether the bubble may still change. Prompts, and whatever comes before one, never do."""
        header = self._headers[number]
        if number < self._last_prompt or header.type == _USER or bubble is None:
            return number >= self._last_prompt and bubble is None
        status = text_of(fields_of(bubble.get("toolFormerData")).get("status"))
        if header.bubble_id in self._generating or status in _UNFINISHED:
            return True
        return self._runs and number_of(bubble.get("capabilityType")) != _TOOL and self._is_last(number)

    def _is_behind_text(self, number: int) -> bool:
        """Whether the last bubble before this one that shows the user anything is a text of the agent's."""
        for before in range(number - 1, max(-1, number - 1 - _MOST_BETWEEN), -1):
            bubble = None
            with suppress(TooLarge):
                bubble = self._bubble(before)
            if bubble is None or number_of(bubble.get("capabilityType")) == _COMPACTION:
                return False
            if _shows(self._headers[before], bubble):
                return _is_text(self._headers[before], bubble)
        return False

    def _is_last(self, number: int) -> bool:
        """Whether no later bubble shows the user anything."""
        if self._last_shown is None:
            places = reversed(range(len(self._headers)))
            self._last_shown = next(filter(self._is_shown, places), -1)
        return number >= self._last_shown

    def _is_shown(self, number: int) -> bool:
        with suppress(TooLarge):
            bubble = self._bubble(number)
            return bubble is not None and _shows(self._headers[number], bubble)
        return False


def _bubble_in(data: bytes | None) -> Fields | None:
    """Returns the fields of a bubble that are needed; None if the row holds no bubble (yet)."""
    found = read_as(data, Fields)
    if found is None:
        return None
    bubble: Fields = {name: found[name] for name in _OF_BUBBLE if name in found}
    if tool := fields_of(bubble.get("toolFormerData")):
        kept = {name: tool[name] for name in _OF_TOOL if name in tool}
        bubble["toolFormerData"] = msgspec.Raw(msgspec.json.encode(kept))
    return bubble


def _shows(header: Header, bubble: Fields) -> bool:
    """Whether a bubble shows the user anything: not thinking, marks, or no text (yet)."""
    kind = number_of(bubble.get("capabilityType"))
    if kind in (_THINKING, _COMPACTION):
        return False
    said = text_of(bubble.get("text")).strip() or bytes(bubble.get("errorDetails", b"null")) != b"null"
    return header.type == _USER or bool(said) or kind == _TOOL


def _is_text(header: Header, bubble: Fields) -> bool:
    """Whether a bubble is what the agent said, and neither a call nor an error."""
    is_failed = bytes(bubble.get("errorDetails", b"null")) != b"null"
    is_other = number_of(bubble.get("capabilityType")) in (_TOOL, _COMPACTION, _THINKING)
    return header.type == _ASSISTANT and not (is_failed or is_other) and text_of(bubble.get("text")).strip() != ""


def _unwrapped(raw: msgspec.Raw | None) -> msgspec.Raw:
    """Returns a field that holds JSON or JSON inside a string. A string that is not JSON stays a string."""
    text = text_of(raw).strip()
    inner = msgspec.Raw(text.encode("utf-8", "replace"))
    is_json = text[:1] in ("{", "[", '"') and rawjson.part_of(inner, msgspec.Raw) is not None
    return inner if is_json else raw or rawjson.ABSENT


def parse_bubble(recorder: CursorRecorder, record: StoreRecord) -> None:
    """Parses a bubble of the editor."""
    recorder.prefix = f"{recorder.ident}/{record.id}:"
    bubble = record.bubble
    text = text_of(bubble.get("text"))
    if record.type == _USER:
        text, pressed = without_button(text)
        is_typed = recorder.subagent_id is None and not (pressed or is_true(bubble.get(_NOT_TYPED)))
        add_prompt(recorder, "text", text, actor="human" if is_typed else "model")
    elif record.type == _ASSISTANT:
        if number_of(bubble.get("capabilityType")) == _TOOL:
            _tool(recorder, record)
        add_answer(recorder, "text", text, aborted=record.aborted, goes_on=record.goes_on)
        details = bubble.get("errorDetails", rawjson.ABSENT)  # a text, or with a title, which alone shows a limit
        title = text_of(inside(details, "error", "details", "title"))
        message = text_below(details, *_ERROR_TEXTS)
        if error := f"{title}. {message}" if title and title not in message else message:
            add_failure(recorder, "failed", error)
    else:
        recorder.skip("bubble", "unknown type")


def _tool(recorder: CursorRecorder, record: StoreRecord) -> None:
    data = fields_of(record.bubble.get("toolFormerData"))
    # The id is as the model's provider made it; some hold a line break and a second id.
    call_id = (text_of(data.get("toolCallId")).partition("\n")[0] or record.id)[:MAX_NAME_CHARS]
    given = calls.arguments_in(*(_unwrapped(data.get(name)) for name in ("rawArgs", "params")))
    call = recorder.call(call_id, text_of(data.get("name")), given, "call", stays_open=False)
    if call is None or text_of(data.get("status")) in _UNFINISHED:
        return
    result = fields_of(_unwrapped(data.get("result")))
    if text_of(result.get("afterContentId")) and (text_of(result.get("beforeContentId")) or _EMPTY).endswith(_EMPTY):
        new = (msgspec.structs.replace(one, change="add") if one.change == "modify" else one for one in call.changes)
        call = msgspec.structs.replace(call, changes=tuple(new))
    recorder.result(call, _outcome(recorder, call.op, data), "result")


def _outcome(recorder: CursorRecorder, op: Op, data: Fields) -> ToolOutcome:
    status = text_of(data.get("status"))
    result = calls.outcome_of(op, _unwrapped(data["result"])) if "result" in data else ToolOutcome("unknown")
    if status == "error":
        said = result.output or text_below(_unwrapped(data.get("error")), *_CALL_ERROR_TEXTS)
        return msgspec.structs.replace(result, status="error", output=said)
    if status == "cancelled":
        return result if result.status == "denied" else msgspec.structs.replace(result, status="interrupted")
    if status not in ("completed", ""):
        recorder.skip("bubble/tool", "unknown status")
        return msgspec.structs.replace(result, status="unknown")
    # A command that failed is `completed` too, so that without an exit code it is unknown how it ended.
    if op == "shell" and result.status == "ok" and result.exit_code is None:
        return msgspec.structs.replace(result, status="unknown")
    is_ok = op != "shell" and result.status == "unknown" and status == "completed"
    return msgspec.structs.replace(result, status="ok") if is_ok else result


def parse_state(recorder: CursorRecorder, record: StoreRecord) -> None:
    """Parses the state of a conversation in any database."""
    folders, native = recorder.folders, recorder.native
    if record.status and recorder.cwd is None and folders:
        # A turn is over and touched no file: the first folder will do.
        recorder.report(folder=folders[0], emitted={**recorder.reported.emitted, "info": 0})
    info = SessionInfo(title=native.title or None, model=native.model or None)
    if recorder.subagent_id is None and (info.title or info.model or recorder.cwd):
        _tell_news(recorder, "info", info)
    todos = calls.todos_after({}, {"todos": record.todos})
    if todos or (todos is not None and recorder.reported.emitted.get("todos")):
        _tell_news(recorder, "todos", plan_of(todos))
    if summary := without_handoff(text_below(record.summary, "summary", "text")).strip():
        _tell_news(recorder, "summary", AgentSummary(text=summary, source="compaction"), f"summary/{digest(summary)}")
    if record.status in ("aborted", "error"):
        end = TurnEnd(reason="interrupted" if record.status == "aborted" else "error")
        _tell_news(recorder, "end", end, f"{native.id}/{record.id}:end")


def _tell_news(recorder: CursorRecorder, name: str, body: AnyBody, key: str | None = None) -> None:
    if mark := recorder.news(name, f"{key} {body}"):
        recorder.prefix = ""
        recorder.add(body, key or f"{recorder.native.id}/{name}/{recorder.at_ms}/{mark}")
