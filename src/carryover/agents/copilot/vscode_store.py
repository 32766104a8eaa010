"""Reads one VS Code chat: a log of mutations (1.109 and later), a JSON object (before), or an export.

The editor saves a chat about once a minute and when its window closes: it appends what changed, and after 1,024 entries
replaces the file. The reader treats both alike, by comparing the resulting states.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.adapter.contract import Batch, FileStat, Record
from carryover.agents.copilot.spec import CHATS, EMPTY, SERVERS, WINDOWS
from carryover.agents.copilot.vscode_wire import (
    ENDED,
    QUIET_KINDS,
    TOOL_KINDS,
    BeginRecord,
    Chat,
    Request,
    RequestRecord,
    SkippedRecord,
    StateRecord,
    ToolPart,
    Why,
    is_given,
    kind_of_part,
)
from carryover.readers import files
from carryover.readers.rewritten import Piece, Unfinished
from carryover.readers.workspaces import Folders, folders_of_uri, folders_of_window
from carryover.records import rawjson
from carryover.records.fields import SHORT_CHARS, bounded, digest
from carryover.records.lenient import Fields, fields_of, inside, is_true, items_of, read_as, text_of, time_of

MAX_CHAT_BYTES: Final = 128 << 20
"""A longer chat is not read: its state must be held in memory."""
MAX_REQUESTS: Final = 5_000
MAX_PARTS: Final = 20_000
"""Most parts kept of one answer."""
MAX_PART_BYTES: Final = 8 << 20
MAX_DETAILS_BYTES: Final = 1 << 20
MAX_ID_CHARS: Final = 100
MAX_INDEX: Final = 1_000_000
MAX_WINDOWS: Final = 2_000

_INITIAL, _SET, _PUSH, _DELETE = range(4)
_IS_LOG: Final = re.compile(rb'\s*\{\s*"kind"\s*:\s*\d')
_ID: Final = re.compile(r"[\w-]{1,100}")
_FROM: Final = re.compile(r"[^/]+/")


class ChatReader:
    """Reads the file of one chat; see `carryover.adapter.contract.Reader`."""

    def __init__(self) -> None:
        self._unfinished: Unfinished[StoredChat] = Unfinished()

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Reads what changed in the chat. A newer copy of it in another window takes precedence.

        Raises FileNotFoundError when it is gone, OSError when it is not a regular file or cannot be read.
        """
        stat = files.stamp_of_file(path)
        chat = self._unfinished.of(path, stat)
        if chat is None:
            data = b"" if _has_newer_copy(path, stat.mtime_ns) else files.read_small(path, limit=MAX_CHAT_BYTES)
            if data is None:
                return _not_read(cursor, "too long")
            chat = StoredChat(path, data)
            if chat.why is not None and not chat.pieces:
                return _not_read(cursor, chat.why)
        batch = self._unfinished.read_on(path, stat, chat, cursor, now_ms=0)
        return msgspec.structs.replace(batch, records=tuple(map(_numbered, batch.records)))

    def stat(self, path: Path) -> FileStat:
        """Returns the file's size and modification time."""
        return files.stamp_of_file(path)


class StoredChat:
    """The state that a chat's file describes: a snapshot with one conversation (see `carryover.readers.rewritten`).

    A request whose answer has not ended is not a piece; it is emitted with the state of the chat.
    """

    rests_ms = None

    def __init__(self, path: Path, data: bytes) -> None:
        state, self.why = replayed(data) if path.suffix == ".jsonl" or _IS_LOG.match(data) else _object_in(data)
        folders = _folders(path, state)
        if folders.remote:
            state, self.why = {}, "remote workspace"
        listed = [read_as(raw, Request) or Request() for raw in items_of(state.get("requests"))[:MAX_REQUESTS]]
        self.chat = Chat(session=_session_of(path, state, listed), folders=folders.paths)
        self._at_ms = time_of(state.get("creationDate"))
        requests = [request for request in map(_as_kept, listed) if request is not None]
        records = [self._record(place, request) for place, request in enumerate(requests, start=1)]
        if records:
            records[-1] = msgspec.structs.replace(records[-1], queued=tuple(items_of(state.get("pendingRequests"))))
        live = records.pop() if requests and requests[-1].state not in ENDED else None
        self._requests = [(record.ident, msgspec.json.encode(record)) for record in records]
        self._state = self._state_record(state, requests, live) if data else None

    def conversations(self) -> list[tuple[str, str]]:
        """Returns the chat's id and mark; nothing if another copy of it takes precedence."""
        if self._state is None:
            return []
        return [(self.chat.session, digest(msgspec.json.encode((self.pieces, self._state, self.why))))]

    def conversation(self, _ident: str, _notes: dict[str, str]) -> StoredChat:
        """Returns the chat itself: a file holds one."""
        return self

    @property
    def pieces(self) -> list[Piece]:
        """The requests that were answered."""
        return [(ident, digest(data)) for ident, data in self._requests]

    def begin(self, *, on: bool, more: bool) -> bytes:
        """Returns the record that opens the chat."""
        return msgspec.json.encode(BeginRecord(chat=self.chat, at_ms=self._at_ms, on=on, more=more))

    def piece(self, number: int) -> bytes:
        """Returns the record of a request."""
        return self._requests[number][1]

    def end(self, emitted: int) -> bytes | None:
        """Returns the facts about the chat as a whole, or the reason it is not read to its end."""
        if self.why is not None:
            return msgspec.json.encode(SkippedRecord(why=self.why))
        is_news = self._state is not None and (emitted or self._state.live is not None)
        return msgspec.json.encode(self._state) if is_news else None

    def _record(self, place: int, request: Request) -> RequestRecord:
        named = text_of(request.request_id)
        ident = named if 0 < len(named) <= MAX_ID_CHARS else digest(named or msgspec.json.encode(request))
        return RequestRecord(chat=self.chat, ident=ident, place=place, request=_slim(request))

    def _state_record(self, state: Fields, requests: Sequence[Request], live: RequestRecord | None) -> StateRecord:
        models = (text_of(request.model_id) for request in reversed(requests))
        versions = (text_of(inside(request.agent, "extensionVersion")) for request in reversed(requests))
        return StateRecord(
            chat=self.chat,
            at_ms=self._at_ms,
            place=max(len(requests), 1),
            title=bounded(text_of(state.get("customTitle")), SHORT_CHARS),
            model=bounded(_FROM.sub("", next(filter(None, models), ""), count=1), SHORT_CHARS),
            version=bounded(next(filter(None, versions), ""), SHORT_CHARS),
            branch=bounded(text_of(fields_of(state.get("repoData")).get("localBranch")), SHORT_CHARS),
            live=live,
        )


def _not_read(cursor: bytes | None, why: Why) -> Batch:
    """Returns a batch that counts an unreadable chat once. The next readable state starts over."""
    mark = why.encode()
    if cursor == mark or why == "too long":
        return Batch(records=(), cursor=mark, oversized=int(cursor != mark))
    return Batch(records=(Record(number=1, data=msgspec.json.encode(SkippedRecord(why=why))),), cursor=mark)


class _Placed(msgspec.Struct, frozen=True):
    place: int = 1


def _numbered(record: Record) -> Record:
    """Returns the record numbered by its request, which is how people count a chat."""
    return msgspec.structs.replace(record, number=msgspec.json.decode(record.data, type=_Placed).place)


class _Entry(msgspec.Struct, frozen=True):
    """One line of a log: sets a value, cuts a list to `i` and extends it, or deletes a value, at the path `k`."""

    kind: int
    k: tuple[str | int, ...] = ()
    v: Any = None
    i: int | None = None


_ENTRY: Final = msgspec.json.Decoder(_Entry)


def _object_in(data: bytes) -> tuple[Fields, Why | None]:
    found = read_as(data, Fields)
    return found or {}, None if found is not None or not data else "not JSON" if data.strip() else "nothing in it"


def replayed(data: bytes) -> tuple[Fields, Why | None]:
    """Returns the chat that a log describes, up to the first line that can't be applied, and what is wrong with that
    line.

    A last line that is not JSON and has no newline is still being written.
    """
    state: dict[str, Any] | None = None
    why: Why | None = None
    *complete, rest = map(bytes.strip, data.split(b"\n"))
    for line in filter(None, (*complete, rest)):
        entry = rawjson.read(_ENTRY, line)
        if line is rest and entry == "not JSON":
            break
        if isinstance(entry, str):
            why = "not JSON" if entry == "not JSON" else "unexpected entry"
        elif entry.kind == _INITIAL and isinstance(entry.v, dict):
            state = entry.v
        elif entry.kind in (_SET, _PUSH, _DELETE):
            why = "no initial state" if state is None else _applied(state, entry)
        else:
            why = "unexpected entry"
        if why is not None:
            break
    if state is None:
        return {}, why or ("nothing in it" if data else None)
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in state.items()}, why


def _applied(state: dict[str, Any], entry: _Entry) -> Why | None:
    """Applies a line; returns the reason if that is not possible."""
    try:
        at: Any = state
        *way, last = entry.k or ("",)
        for step in way:
            at = at[step]
        if not entry.k:
            return None
        if entry.kind == _PUSH:
            _push(at, last, entry)
        elif entry.kind == _DELETE and isinstance(at, dict):
            at.pop(last, None)
        else:
            _put(at, last, entry.v)
    except (LookupError, TypeError, ValueError):
        return "unexpected path"
    return None


def _push(at: Any, last: Any, entry: _Entry) -> None:
    """Appends to a list, which replaces any value that is not one."""
    found = at.get(last) if isinstance(at, dict) else at[last]
    if not isinstance(found, list):
        found = []
        _put(at, last, found)
    if entry.i is not None:
        if not 0 <= entry.i <= MAX_INDEX:
            raise ValueError
        del found[entry.i :]
    found.extend(entry.v if isinstance(entry.v, list) else ())


def _put(at: Any, last: Any, value: Any) -> None:
    if not isinstance(at, dict if isinstance(last, str) else list):
        raise TypeError
    if isinstance(at, list) and last == len(at):
        at.append(value)
    else:
        at[last] = value


def _session_of(path: Path, state: Fields, requests: Sequence[Request]) -> str:
    """Returns the id of a chat. An export only has it in what Copilot noted about its answers, if at all."""
    noted = (inside(request.result, "metadata", "sessionId") for request in requests)
    named = map(text_of, (state.get("sessionId"), *noted))
    if found := next((name for name in named if _ID.fullmatch(name)), None):
        return found
    first = text_of(requests[0].request_id) if requests else ""
    return path.stem if path.parent.name in (CHATS, EMPTY) else f"export-{digest(first)}"


def _as_kept(request: Request) -> Request | None:
    """Returns a request without what the user retracted: None if that is all of it, or else its beginning."""
    if is_true(request.hidden_from_transcript):
        return None
    if not is_given(request.should_be_removed_on_send):
        return request
    stop = text_of(inside(request.should_be_removed_on_send, "afterUndoStop"))
    parts = items_of(request.response)
    at = next((n for n, part in enumerate(parts) if stop and text_of(inside(part, "id")) == stop), None)
    if at is None:
        return None
    kept = msgspec.Raw(msgspec.json.encode(parts[:at]))
    return msgspec.structs.replace(request, response=kept, model_state=msgspec.Raw(b'{"value":1}'))


def _slim(request: Request) -> Request:
    """Returns a request without unneeded parts, which can take many megabytes.

    Of attachments it keeps the kinds, of the result the error and a compaction's summary.
    """
    kinds = [text_of(inside(raw, "kind")) for raw in items_of(inside(request.variable_data, "variables"))]
    summary = inside(request.result, "metadata", "summary")
    outcome = {
        "errorDetails": inside(request.result, "errorDetails"),
        "summary": summary if len(summary) <= MAX_DETAILS_BYTES else rawjson.ABSENT,
    }
    return msgspec.structs.replace(
        request,
        response=msgspec.Raw(msgspec.json.encode(list(map(_slim_part, items_of(request.response)[:MAX_PARTS])))),
        result=msgspec.Raw(msgspec.json.encode(outcome)) if fields_of(request.result) else rawjson.ABSENT,
        variable_data=msgspec.Raw(msgspec.json.encode(kinds)),
        model_id=rawjson.ABSENT,
        agent=rawjson.ABSENT,
    )


def _slim_part(raw: msgspec.Raw) -> msgspec.Raw:
    kind = "" if text_of(raw) else kind_of_part(fields_of(raw))
    if kind in QUIET_KINDS:
        return msgspec.Raw(msgspec.json.encode({"kind": kind}))
    if kind in TOOL_KINDS and len(raw) > MAX_DETAILS_BYTES:
        tool = read_as(raw, ToolPart) or ToolPart()
        raw = msgspec.Raw(msgspec.json.encode(msgspec.structs.replace(tool, result_details=rawjson.ABSENT)))
    if len(raw) > MAX_PART_BYTES:
        return msgspec.Raw(msgspec.json.encode({"kind": kind, "tooLong": True}))
    return raw


def _folders(path: Path, state: Fields) -> Folders:
    """Returns the folders of the chat's window, or the folder that the chat names."""
    own = folders_of_uri(text_of(state.get("workingDirectory")))
    if own is not None and (own.paths or own.remote):
        return own
    if path.parent.name != CHATS:
        return Folders()
    is_server = any(part in SERVERS for part in path.parts)
    return folders_of_window(path.parent.parent, is_server=is_server) or Folders()


def _has_newer_copy(path: Path, mtime_ns: int) -> bool:
    """Whether another window has a newer copy of the chat. A window that becomes another one copies its chats."""
    windows = path.parent.parent.parent
    if path.parent.name != CHATS or windows.name != WINDOWS:
        return False
    try:
        with os.scandir(windows) as entries:
            names = [entry.name for entry in entries if entry.name != path.parent.parent.name][:MAX_WINDOWS]
    except OSError:
        return False
    return any(_mtime_ns(windows / name / CHATS / path.name) > mtime_ns for name in names)


def _mtime_ns(path: Path) -> int:
    try:
        return files.stamp_of_file(path).mtime_ns
    except OSError:
        return 0
