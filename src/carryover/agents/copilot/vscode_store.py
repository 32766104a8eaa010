"""Reads one VS Code chat: a log of mutations (1.109 and later), a JSON object (before), or an export.

The editor saves a chat about once a minute and when its window closes: it appends what changed, and after 1,024 entries
replaces the file. The reader treats both alike, by comparing the resulting states.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.adapter.contract import Batch, FileStat, Record
from carryover.agents.copilot.spec import CHATS, EMPTY, WINDOWS
from carryover.agents.copilot.vscode_wire import (
    ENDED,
    QUIET_KINDS,
    TOOL_KINDS,
    BeginRecord,
    Chat,
    RequestRecord,
    SkippedRecord,
    StateRecord,
    Why,
    is_given,
    kind_of_part,
    state_of,
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

_INITIAL, _SET, _PUSH, _DELETE = range(4)
_IS_LOG: Final = re.compile(rb'\s*\{\s*"kind"\s*:\s*\d')
_ID: Final = re.compile(r"[\w-]{1,100}")
_FROM: Final = re.compile(r"[^/]+/")
_KEPT: Final = (
    *("timestamp", "message", "modelState", "isCanceled"),
    *("confirmation", "requestSource", "isSystemInitiated", "requestHiddenFromTranscript"),
)


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
        listed = [fields_of(raw) for raw in items_of(state.get("requests"))[:MAX_REQUESTS]]
        # The others were retracted.
        requests = [
            request
            for request in listed
            if not is_true(request.get("hiddenFromTranscript")) and not is_given(request.get("shouldBeRemovedOnSend"))
        ]
        self._chat = Chat(session=_session_of(path, state, listed), folders=folders.paths)
        self._at_ms = time_of(state.get("creationDate"))
        records = [self._request_record(place, request) for place, request in enumerate(requests, start=1)]
        live = records.pop() if requests and state_of(requests[-1]) not in ENDED else None
        self._requests = [(record.ident, msgspec.json.encode(record)) for record in records]
        self._is_live = live is not None
        self._state = msgspec.json.encode(self._state_record(state, requests, live)) if data else None

    def conversations(self) -> list[tuple[str, str]]:
        """Returns the chat's id and mark; nothing if another copy of it takes precedence."""
        if self._state is None:
            return []
        return [(self._chat.session, digest(msgspec.json.encode((self.pieces, self._state, self.why))))]

    def conversation(self, _ident: str, _notes: dict[str, str]) -> StoredChat:
        """Returns the chat itself: a file holds one."""
        return self

    @property
    def pieces(self) -> list[Piece]:
        """The requests that were answered."""
        return [(ident, digest(data)) for ident, data in self._requests]

    def begin(self, *, on: bool, more: bool) -> bytes:
        """Returns the record that opens the chat."""
        return msgspec.json.encode(BeginRecord(chat=self._chat, at_ms=self._at_ms, on=on, more=more))

    def piece(self, number: int) -> bytes:
        """Returns the record of a request."""
        return self._requests[number][1]

    def end(self, emitted: int) -> bytes | None:
        """Returns the facts about the chat as a whole, or the reason it is not read to its end."""
        if self.why is not None:
            return msgspec.json.encode(SkippedRecord(why=self.why))
        return self._state if emitted or self._is_live else None

    def _request_record(self, place: int, request: Fields) -> RequestRecord:
        named = text_of(request.get("requestId"))
        ident = named if _ID.fullmatch(named) else digest(named or msgspec.json.encode(request))
        return RequestRecord(chat=self._chat, ident=ident, place=place, request=_slim(request))

    def _state_record(self, state: Fields, requests: Sequence[Fields], live: RequestRecord | None) -> StateRecord:
        models = (text_of(request.get("modelId")) for request in reversed(requests))
        versions = (text_of(fields_of(request.get("agent")).get("extensionVersion")) for request in reversed(requests))
        return StateRecord(
            chat=self._chat,
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
    record = Record(number=1, data=msgspec.json.encode(SkippedRecord(why=why)))
    return Batch(records=(record,) if cursor != why.encode() else (), cursor=why.encode())


class _Placed(msgspec.Struct, frozen=True):
    place: int = 1


def _numbered(record: Record) -> Record:
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
        if entry.kind == _DELETE and isinstance(at, dict):
            at.pop(last, None)
        elif entry.k:
            _put(at, last, _pushed(at, last, entry) if entry.kind == _PUSH else entry.v)
    except (LookupError, TypeError):
        return "unexpected path"
    return None


def _pushed(at: Any, last: Any, entry: _Entry) -> list[Any]:
    """Returns a list with what a line appends to it. The list replaces any value that is not one."""
    found = at.get(last) if isinstance(at, dict) else at[last]
    return [*(found[: entry.i] if isinstance(found, list) else ()), *(entry.v if isinstance(entry.v, list) else ())]


def _put(at: Any, last: Any, value: Any) -> None:
    if isinstance(at, list) and last == len(at):
        at.append(value)
    elif isinstance(at, dict if isinstance(last, str) else list):
        at[last] = value
    else:
        raise TypeError


def _session_of(path: Path, state: Fields, requests: Sequence[Fields]) -> str:
    """Returns the id of a chat. An export only has it in what Copilot noted about its answers, if at all."""
    noted = (inside(request.get("result", rawjson.ABSENT), "metadata", "sessionId") for request in requests)
    named = map(text_of, (state.get("sessionId"), *noted))
    if found := next((name for name in named if _ID.fullmatch(name)), None):
        return found
    first = text_of(requests[0].get("requestId")) if requests else ""
    return path.stem if path.parent.name in (CHATS, EMPTY) else f"export-{digest(first)}"


def _slim(request: Fields) -> Fields:
    """Returns a request without unneeded parts, which can take many megabytes.

    Of attachments it keeps the kinds, of the result the error.
    """
    attached = items_of(fields_of(request.get("variableData")).get("variables"))
    result = fields_of(request.get("result"))
    kept = {
        "response": [_slim_part(raw) for raw in items_of(request.get("response"))[:MAX_PARTS]],
        "attached": [text_of(fields_of(raw).get("kind")) for raw in attached],
        "result": {"errorDetails": result.get("errorDetails")} if result else None,
    }
    slim = {name: request[name] for name in _KEPT if name in request}
    return slim | {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in kept.items()}


def _slim_part(raw: msgspec.Raw) -> msgspec.Raw | dict[str, object]:
    part = {} if text_of(raw) else fields_of(raw)
    kind = kind_of_part(part) if part else ""
    if kind in QUIET_KINDS:
        return {"kind": kind}
    if len(raw) <= MAX_PART_BYTES:
        return raw
    if kind in TOOL_KINDS:
        return {name: value for name, value in part.items() if len(value) < MAX_PART_BYTES // 2}
    return {"kind": kind, "tooLong": True}


def _folders(path: Path, state: Fields) -> Folders:
    """Returns the folders of the chat's window, or the folder that the chat names."""
    own = folders_of_uri(text_of(state.get("workingDirectory")))
    if own is not None and (own.paths or own.remote):
        return own
    if path.parent.name != CHATS:
        return Folders()
    return folders_of_window(path.parent.parent) or Folders()


def _has_newer_copy(path: Path, mtime_ns: int) -> bool:
    """Whether another window has a newer copy of the chat. A window that becomes another one copies its chats."""
    windows = path.parent.parent.parent
    if path.parent.name != CHATS or windows.name != WINDOWS:
        return False
    for copy in windows.glob(f"*/{CHATS}/{path.name}"):
        with suppress(OSError):
            if copy != path and files.stamp_of_file(copy).mtime_ns > mtime_ns:
                return True
    return False
