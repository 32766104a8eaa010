"""Reads a chat of the terminal client: a `store.db` with `meta.json` beside it.

Each message is a blob keyed by the SHA-256 of its content. A root lists them in order and is rewritten with each
message; messages that only older roots list are not part of the conversation.
"""

from __future__ import annotations

import binascii
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Batch, FileStat
from carryover.agents.cursor.wire import BeginRecord, Conversation, MessageRecord, PassedByRecord, StateRecord, encoded
from carryover.readers import files, sqlite
from carryover.readers.rewritten import Piece, read_on
from carryover.readers.stat_cache import utc_now_ms
from carryover.records import rawjson
from carryover.records.fields import SHORT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, text_of, time_of
from carryover.records.uris import path_of

MAX_BLOB_BYTES: Final = 8 << 20
MAX_ROOT_BYTES: Final = 64 << 20
MAX_MESSAGES: Final = 20_000
UNTITLED: Final = "New Agent"
"""The name of a chat without a title."""

_ID_BYTES: Final = 32
_ID_CHARS: Final = 16
"""Characters of an id that are kept: a quarter of a SHA-256 is unique in a chat."""
_MAX_DEPTH: Final = 4
_MESSAGES: Final = 1
_WORKSPACE: Final = 9
_HEAD_MESSAGES: Final = 4
_BLOB: Final = "SELECT data FROM blobs WHERE id = ?"
_BLOB_HEAD: Final = "SELECT substr(data, 1, 64) FROM blobs WHERE id = ?"
_META: Final = "SELECT value FROM meta WHERE key = ?"


class NotProtobuf(ValueError):
    """The bytes are not a protocol buffer."""


class ChatReader:
    """Reads a `store.db`; see `carryover.adapter.contract.Reader`."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Reads what changed in the chat. Raises as `readers.sqlite.read_transaction` does."""
        beside = None
        with suppress(OSError):
            beside = files.read_small(path.with_name("meta.json"), limit=1 << 16)
        return sqlite.read_database(
            path, lambda db: read_on(Chat(db, path.parent.name, fields_of(beside)), cursor, now_ms=utc_now_ms())
        )

    def stat(self, path: Path) -> FileStat:
        """Returns the size and time of the database and of `meta.json` beside it, which holds title and folder."""
        seen = sqlite.stat(path)
        with suppress(OSError):
            beside = files.stamp_of_file(path.with_name("meta.json"))
            return FileStat(seen.size + beside.size, max(seen.mtime_ns, beside.mtime_ns))
        return seen


class Chat:
    """The chat in a `store.db`, both the snapshot and its only conversation (see `carryover.readers.rewritten`)."""

    rests_ms = None

    def __init__(self, db: sqlite.Connection, ident: str, beside: Fields) -> None:
        self._db, self._ident, self._beside = db, ident, beside
        # Before its first message the client has made the file, perhaps not its tables.
        is_made = sqlite.tables(db) >= {"meta", "blobs"}
        meta = sqlite.value_at(db, _META, "0", limit=MAX_BLOB_BYTES) if is_made else None
        self._meta = fields_of(_from_hex(meta or b""))

    def conversations(self) -> list[tuple[str, str]]:
        """Returns the one conversation of the file, or nothing if its root is missing."""
        known = (self._meta.get("name"), self._meta.get("lastUsedModel"), *self._beside.values())
        mark = " ".join(bytes(raw or b"").decode("utf-8", "replace") for raw in known)
        return [(self._ident, f"{self._root_id} {mark}")] if self._root_id else []

    def conversation(self, ident: str, notes: dict[str, str]) -> Chat:  # noqa: ARG002
        """Returns the chat itself: a `store.db` holds one conversation."""
        return self

    @cached_property
    def pieces(self) -> list[Piece]:
        """The messages, each with the number of identical ones before it."""
        before: Counter[str] = Counter()
        found: list[Piece] = []
        for ident in islice(self._messages(), MAX_MESSAGES):
            found.append((ident, before[ident]))
            before[ident] += 1
        return found

    def begin(self, *, on: bool, more: bool) -> bytes | None:
        """Returns the record that opens the chat, or a skipped record if the root lists no messages."""
        if not self.pieces:
            return encoded(PassedByRecord(what="conversation", why="unexpected root"))
        return encoded(
            BeginRecord(
                conversation=self._conversation,
                at_ms=time_of(self._meta.get("createdAt")) or time_of(self._beside.get("createdAtMs")),
                on=on,
                more=more,
                compacted=not on and self._is_compacted,
            )
        )

    def piece(self, number: int) -> bytes | None:
        """Returns the record of a message, or a skipped record if its blob is missing or not JSON."""
        ident, occurrence = self.pieces[number]
        blob = self._blob(ident)
        data = _as_json(blob) if blob is not None else None
        if data is None:
            return encoded(PassedByRecord(what="message", why="missing" if blob is None else "not JSON"))
        return encoded(
            MessageRecord(
                conversation=self._conversation,
                message_id=ident[:_ID_CHARS],
                occurrence=int(occurrence),
                noted_ms=time_of(self._beside.get("updatedAtMs")),
                data=data,
            )
        )

    def end(self, emitted: int) -> bytes | None:
        """Returns the record that closes the chat; None if no message was emitted."""
        return encoded(StateRecord(conversation=self._conversation)) if emitted else None

    @cached_property
    def _conversation(self) -> Conversation:
        named = [text_of(raw) for raw in (self._beside.get("title"), self._meta.get("name"))]
        title = next((name for name in named if name), "")
        folder = text_of(self._beside.get("cwd")) or path_of(self._root[1]) or ""
        return Conversation(
            id=self._ident,
            name=bounded(title, SHORT_CHARS) if title != UNTITLED else "",
            model=bounded(text_of(self._meta.get("lastUsedModel")), SHORT_CHARS),
            parent=self._ident if bytes(self._beside.get("isSubagent", b"")) == b"true" else None,
            folders=(folder,) if folder else (),
        )

    @property
    def _root_id(self) -> str:
        return text_of(self._meta.get("latestRootBlobId")).lower()

    @cached_property
    def _root(self) -> tuple[tuple[str, ...], str]:
        """Returns the ids that the root lists, in order, and the workspace's URI; both empty if it is not a root."""
        idents, workspace = [], ""
        try:
            for number, value in fields_in(self._blob(self._root_id, MAX_ROOT_BYTES) or b""):
                if number == _MESSAGES and len(value) == _ID_BYTES:
                    idents.append(value.hex())
                elif number == _WORKSPACE:
                    workspace = workspace or value.decode("utf-8", "replace")
        except (NotProtobuf, sqlite.TooLarge):
            return (), ""
        return tuple(idents), workspace

    @property
    def _is_compacted(self) -> bool:
        """Whether the conversation begins with a text from the client instead of a prompt."""
        heads = (self._blob(ident) or b"" for ident, _ in self.pieces[:_HEAD_MESSAGES])
        return not any(b"<user_query>" in blob for blob in heads)

    def _messages(self) -> Iterator[str]:
        for ident in self._root[0]:
            yield from self._below(ident)

    def _below(self, ident: str, depth: int = 0) -> tuple[str, ...]:
        """Returns the messages in a blob: the blob itself or, in newer builds, those it lists."""
        head = None
        with suppress(sqlite.TooLarge):
            head = sqlite.value_at(self._db, _BLOB_HEAD, ident)
        is_message = not isinstance(head, bytes) or head.lstrip()[:1] == b"{" or depth == _MAX_DEPTH
        below = () if is_message else _ids_in(self._blob(ident, MAX_ROOT_BYTES) or b"")
        nested = (message for inner in below for message in self._below(inner, depth + 1))
        return tuple(islice(nested, MAX_MESSAGES)) or (ident,)

    def _blob(self, ident: str, limit: int = MAX_BLOB_BYTES) -> bytes | None:
        """Returns a blob. Raises TooLarge."""
        return sqlite.value_at(self._db, _BLOB, ident, limit=limit)


def fields_in(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields the byte fields of a protocol buffer with their numbers. Raises NotProtobuf, perhaps after some fields."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if tag >> 3 == 0 or kind not in (0, 1, 2, 5):
            raise NotProtobuf("unknown field")
        if kind == 2:
            length, at = _varint(data, at)
            if length > len(data) - at:
                raise NotProtobuf("a field is cut")
            yield tag >> 3, data[at : at + length]
            at += length
        else:
            at = _varint(data, at)[1] if kind == 0 else at + (8 if kind == 1 else 4)
    if at > len(data):
        raise NotProtobuf("a field is cut")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift <= 63:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise NotProtobuf("a number is cut")


def _ids_in(node: bytes, depth: int = 0) -> tuple[str, ...]:
    """Returns every id in a node and its embedded messages; none if it is not a protocol buffer."""
    found: list[str] = []
    try:
        for _, value in fields_in(node):
            if len(value) == _ID_BYTES:
                found.append(value.hex())
            elif depth < _MAX_DEPTH and len(value) > _ID_BYTES:
                found += _ids_in(value, depth + 1)
    except NotProtobuf:
        return ()
    return tuple(found)


def _from_hex(value: bytes) -> bytes:
    """Returns the JSON of the `meta` row, which may be stored as hex."""
    try:
        return binascii.unhexlify(value.strip())
    except binascii.Error:
        return value


def _as_json(blob: bytes) -> msgspec.Raw | None:
    """Returns a message as JSON that can be embedded in other JSON; None if that is not possible."""
    for data in (blob, rawjson.mend(blob)):
        with suppress(*rawjson.UNREADABLE):
            msgspec.json.decode(data, type=Fields)
            return msgspec.Raw(data)
    return None
