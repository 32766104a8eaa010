"""Reads one VS Code chat: a log of mutations (1.109 and later), a JSON object (before), or an export.

The editor saves a chat about once a minute and when its window closes: it appends what changed, and after 1,024 entries
replaces the file. The reader treats all forms alike, by comparing the resulting states. Any field may be missing or
have another type. Taken from the editor's public source: FACTS.md.
"""

from __future__ import annotations

import posixpath
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from carryover.adapter.contract import FileStat, Record
from carryover.agents.copilot import CHATS, EMPTY, WINDOWS
from carryover.decoders import decoder_of
from carryover.model import SessionInfo
from carryover.records import rawjson
from carryover.records.fields import MAX_NAME_CHARS, SHORT_CHARS, bounded, digest, folder_holding
from carryover.records.lenient import Fields, fields_of, inside, is_true, items_of, number_of, read_as, text_of, time_of
from carryover.records.uris import path_of, uri_in
from carryover.text.pattern import later
from carryover.transcript import files
from carryover.transcript.bounds import lines_in
from carryover.transcript.recorder import usable_folder
from carryover.transcript.rewritten import Document, SnapshotReader
from carryover.transcript.stat_cache import StatCachedReader
from carryover.transcript.stored import StoredFacts, StoredRecord
from carryover.transcript.workspaces import Folders, folders_of_uri, folders_of_window

PENDING, COMPLETE, CANCELLED, FAILED = range(4)
"""States of a request's answer (`modelState.value`); 4 waits for the user."""
ENDED: Final = (COMPLETE, CANCELLED, FAILED)

_INITIAL, _SET, _PUSH, _DELETE = range(4)
_IS_LOG: Final = later(rb'(?:\xef\xbb\xbf)?\s*\{\s*"kind"\s*:\s*\d')
_ID: Final = later(r"[\w-]{1,100}")
_NOT_SHOWN: Final = ("shouldBeRemovedOnSend", "hiddenFromTranscript")  # retracted, or the editor's own
_LINK: Final = later(r"\[[^\]]{0,500}\]\(((?:(?!://)[^)\s]){0,500}://[^)\s]{0,2000})\)")
Why = Literal["", "remote workspace", "not JSON", "no initial state", "unexpected entry"]
"""The reason that a chat is not read, or not to its end."""
_REMOTE: Final = later(r"\A(?:vscode-remote|vscode-notebook-cell)://[^/]*")
"""Schemes for paths on this machine; chats about folders on another machine are not read."""


class ChatRecord(StoredRecord, frozen=True, omit_defaults=True):
    """A record of the reader: the beginning of a chat, one of its requests, or its state as a whole."""

    place: int = 1
    """The number of the request, from 1, which is how people count a chat."""
    ident: str = ""
    request: Fields = msgspec.field(default_factory=dict)
    live: bool = False
    """With a state: the answer to the last request has not ended, so it is repeated here with each change."""
    info: SessionInfo = SessionInfo()
    why: Why = ""
    """Why the chat is not read; with a state, why it is read only in part."""


def chat_reader() -> StatCachedReader:
    """Returns the reader of the file of one chat, with records numbered by their requests."""
    read = SnapshotReader(_stored, unpacked=lambda record: [Record(number=_place_in(record.data), data=record.data)])
    return StatCachedReader(read.read, read.stat)


def _place_in(record: bytes) -> int:
    return decoder_of(ChatRecord).decode(record).place


def _stored(path: Path, stat: FileStat) -> Document:
    data = b"" if _has_newer_copy(path, stat.mtime_ns) else files.read_document(path)
    if path.suffix == ".jsonl" or _IS_LOG.match(data):
        return _chat(path, *replayed(data))
    state = read_as(data, Fields) or {}
    return _chat(path, state, "not JSON" if data.strip() and not state else "")


def _chat(path: Path, state: Fields, why: Why) -> Document:
    """Returns the state that a chat's file describes. Its pieces are the answered requests that were not retracted.

    `why`: the reason that it is not read, or not to its end.
    """
    own = folders_of_uri(text_of(state.get("workingDirectory"))) or Folders()
    if not own.paths and not own.remote and path.parent.name == CHATS:
        own = folders_of_window(path.parent.parent) or Folders()
    if own.remote:
        state = {}
        why = "remote workspace"
    listed = list(map(fields_of, items_of(state.get("requests"))))
    requests = [one for one in listed if not any(is_given(one.get(name)) for name in _NOT_SHOWN)]
    session = _session_of(path, state, listed)
    is_live = bool(requests) and state_of(requests[-1]) not in ENDED
    facts = StoredFacts(session, directory=_folder_in(own.paths, requests, is_over=len(requests) > is_live))

    def record(kind: Literal["begin", "message", "session"], **fields: Any) -> bytes:
        return msgspec.json.encode(ChatRecord(kind, facts, **fields))

    def begin(on: bool, more: bool) -> bytes:
        if why and not requests:
            return record("message", why=why)
        return record("begin", at_ms=time_of(state.get("creationDate")), on=on, more=more)

    named = (text_of(request.get("requestId"))[:MAX_NAME_CHARS] or f"{n}" for n, request in enumerate(requests))
    asked = [{"ident": name, "request": request} for name, request in zip(named, requests, strict=True)]
    live = {**asked.pop(), "live": True} if is_live else {}
    answered = [record("message", place=n, **fields) for n, fields in enumerate(asked, start=1)]
    models = (text_of(request.get("modelId")) for request in reversed(requests))
    versions = (text_of(fields_of(request.get("agent")).get("extensionVersion")) for request in reversed(requests))
    model = next(filter(None, models), "")  # `copilot/gpt-5`: who offers it, and its name
    info = SessionInfo(
        title=bounded(text_of(state.get("customTitle")), SHORT_CHARS) or None,
        agent_version=bounded(next(filter(None, versions), ""), SHORT_CHARS) or None,
        model=bounded(model.partition("/")[2] or model, SHORT_CHARS) or None,
        branch=bounded(text_of(fields_of(state.get("repoData")).get("localBranch")), SHORT_CHARS) or None,
    )
    return Document(
        session,
        answered,
        begin,
        end=lambda _: record("session", place=len(requests), info=info, why=why, **live) if requests else None,
        pieces=[(str(fields["ident"]), digest(data)) for fields, data in zip(asked, answered, strict=True)],
        empty=bool(state or why),
    )


class _Entry(msgspec.Struct, frozen=True):
    """One line of a log: sets a value, cuts a list to `i` and extends it, or deletes a value, at the path `k`."""

    kind: int
    k: tuple[str | int, ...] = ()
    v: Any = None
    i: int | None = None


_ENTRY: Final = msgspec.json.Decoder(_Entry)


def replayed(data: bytes) -> tuple[Fields, Why]:
    """Returns the chat that a log describes, up to the first line that can't be applied, and what is wrong with that
    line.

    A last line that is not JSON and has no newline is still being written.
    """
    state: dict[str, Any] | None = None
    why: Why = ""
    *complete, rest = map(bytes.strip, lines_in(data))
    for line in filter(None, (*complete, rest)):
        entry = rawjson.read(_ENTRY, line)
        if isinstance(entry, str):
            torn: Why = "" if line is rest else "not JSON"
            why = torn if entry == "not JSON" else "unexpected entry"
        elif entry.kind == _INITIAL and isinstance(entry.v, dict):
            state = entry.v
            continue
        elif state is None:
            why = "no initial state"
        else:
            try:
                _apply(state, entry)
                continue
            except (AttributeError, LookupError, TypeError, ValueError):
                why = "unexpected entry"
        break
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in (state or {}).items()}, why


def _apply(state: Any, entry: _Entry) -> None:
    # Raises AttributeError, LookupError, TypeError or ValueError if that is not possible.
    if not entry.k:
        return  # as the editor does
    *way, last = entry.k
    at = state
    for step in way:
        at = at[step]
    if isinstance(at, list) and last == len(at):
        at.append(None)
    if entry.kind == _SET:
        at[last] = entry.v
    elif entry.kind == _PUSH:
        found = at.get(last) if isinstance(at, dict) else at[last]
        at[last] = found = found or []
        del found[len(found) if entry.i is None else entry.i :]
        found.extend(entry.v or ())  # in its place: a copy for each of 100,000 entries would take minutes
    elif entry.kind == _DELETE:
        at.pop(last, None)
    else:
        raise ValueError


def _session_of(path: Path, state: Fields, requests: list[Fields]) -> str:
    """Returns the id of a chat. An export only has it in what Copilot noted about its answers, if at all."""
    noted = (inside(request.get("result", rawjson.ABSENT), "metadata", "sessionId") for request in requests)
    named = map(text_of, (state.get("sessionId"), *noted))
    if found := next((name for name in named if _ID.fullmatch(name)), None):
        return found
    first = text_of(requests[0].get("requestId")) if requests else ""
    return path.stem if path.parent.name in (CHATS, EMPTY) else f"export-{digest(first)}"


def _folder_in(folders: tuple[str, ...], requests: list[Fields], *, is_over: bool) -> str | None:
    """Returns the chat's folder: if its window has several or none, that of the first file or command in an answer."""
    if len(folders) == 1:
        return folders[0]
    for part in (fields_of(raw) for request in requests for raw in items_of(request.get("response"))):
        edited = local_path(part.get("uri")) if kind_of_part(part) == "textEditGroup" else None
        cwd = fields_of(part.get("toolSpecificData")).get("cwd")
        for path in filter(None, (edited, *map(local_path, (cwd, *uris_in(part.get("invocationMessage")))))):
            nearest = posixpath.dirname(path) if path == edited and not folders else None
            if found := folder_holding(path, folders) or nearest:
                return found
    # A turn is over and named no file: the window's first folder will do.
    return folders[0] if folders and is_over else None


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


def state_of(request: Fields) -> int | None:
    """Returns how far an answer got; None if nothing shows it. Before `modelState` existed, a result meant that it
    ended."""
    state = number_of(fields_of(request.get("modelState")).get("value"))
    if state is None and is_true(request.get("isCanceled")):
        return CANCELLED
    return COMPLETE if state is None and fields_of(request.get("result")) else state


def kind_of_part(fields: Fields) -> str:
    """Returns the kind of a part; empty for plain Markdown, `?` if the kind can't be told."""
    kind = text_of(fields.get("kind"))
    if kind or "value" in fields:
        return kind
    return "inlineReference" if "inlineReference" in fields else "?"


def is_given(raw: msgspec.Raw | None) -> bool:
    """Whether a field holds something other than null, false or an empty text."""
    return raw is not None and bytes(raw) not in (b"null", b"false", b'""')


def local_path(uri: msgspec.Raw | None) -> str | None:
    """Returns the absolute path in a URI, given as an object or as text; None if it is not on this machine. Windows
    paths get slashes."""
    found = path_of(_REMOTE.sub("", uri_in(uri))) or ""
    found = found.replace("\\", "/") if not found.startswith("/") else found
    return posixpath.normpath(found) if usable_folder(found) is not None else None


def uris_in(message: msgspec.Raw | None) -> list[msgspec.Raw]:
    """Returns the URIs that a message in the chat links to, in order."""
    listed = list(fields_of(fields_of(message).get("uris")).values())
    linked = (uri.partition("#")[0] for uri in _LINK.findall(markdown_of(message)))
    return listed or [msgspec.Raw(msgspec.json.encode(uri)) for uri in linked]


def markdown_of(raw: msgspec.Raw | None) -> str:
    """Returns a Markdown text that is stored as a string or as an object with a `value`."""
    return text_of(raw) or text_of(fields_of(raw).get("value"))
