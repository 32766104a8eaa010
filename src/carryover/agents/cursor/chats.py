"""Reads a chat of the terminal client: a `store.db` with `meta.json` beside it.

Each message is a blob keyed by the SHA-256 of its content. A root lists them in order and is rewritten with each
message; messages that only older roots list are not part of the conversation.
"""

from __future__ import annotations

import binascii
import re
from collections import Counter
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Batch, FileStat
from carryover.agents.cursor.wire import (
    AnyRecord,
    BeginRecord,
    Conversation,
    MessageRecord,
    PassedByRecord,
    StateRecord,
)
from carryover.readers import files, sqlite
from carryover.readers.rewritten import Piece, read_on
from carryover.readers.stat_cache import utc_now_ms
from carryover.records import rawjson
from carryover.records.fields import SHORT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, is_true, text_of, time_of
from carryover.records.uris import path_of

MAX_BLOB_BYTES: Final = 8 << 20
MAX_ROOT_BYTES: Final = 64 << 20
MAX_MESSAGES: Final = 20_000
UNTITLED: Final = "New Agent"
"""The name of a chat without a title."""

_ID_CHARS: Final = 16
"""Characters of an id that are kept: a quarter of a SHA-256 is unique in a chat."""
_MAX_DEPTH: Final = 4
_HEAD_MESSAGES: Final = 4
_BLOB: Final = "SELECT data FROM blobs WHERE id = ?"
_BLOB_HEAD: Final = "SELECT substr(data, 1, 64) FROM blobs WHERE id = ?"
_META: Final = "SELECT value FROM meta WHERE key = ?"
# A root and, in newer builds, its nodes are protocol buffers: a field's number and kind, its length, its bytes. What
# has the length of an id counts as one if there is such a blob.
_MESSAGES: Final = re.compile(rb"(?=\x0a\x20(.{32}))", re.DOTALL)
_NODES: Final = re.compile(rb"(?=\x20(.{32}))", re.DOTALL)
_WORKSPACE: Final = re.compile(rb"\x4a(.)(?=file:)", re.DOTALL)


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
        self._root_id = text_of(self._meta.get("latestRootBlobId")).lower()

    def conversations(self) -> list[tuple[str, str]]:
        """Returns the one conversation of the file, or nothing if its root is missing."""
        known = (self._meta.get("name"), self._meta.get("lastUsedModel"), *self._beside.values())
        mark = " ".join(bytes(raw or b"").decode("utf-8", "replace") for raw in known)
        return [(self._ident, f"{self._root_id} {mark}")] if self._root_id else []

    def conversation(self, _ident: str, _notes: dict[str, str]) -> Chat:
        """Returns the chat itself: a `store.db` holds one conversation."""
        return self

    @cached_property
    def pieces(self) -> list[Piece]:
        """The messages, each with the number of identical ones before it."""
        before: Counter[str] = Counter()
        found: list[Piece] = []
        for ident in self._messages[:MAX_MESSAGES]:
            found.append((ident, before[ident]))
            before[ident] += 1
        return found

    def begin(self, *, on: bool, more: bool) -> bytes:
        """Returns the record that opens the chat, or a skipped record if the root lists no messages."""
        record: AnyRecord = PassedByRecord(what="conversation", why="unexpected root")
        if self.pieces:
            record = BeginRecord(
                conversation=self._conversation,
                at_ms=time_of(self._meta.get("createdAt")) or time_of(self._beside.get("createdAtMs")),
                on=on,
                more=more,
                compacted=not on and self._is_compacted,
            )
        return msgspec.json.encode(record)

    def piece(self, number: int) -> bytes:
        """Returns the record of a message, or a skipped record if its blob is not JSON."""
        ident, occurrence = self.pieces[number]
        data = _as_json(self._blob(ident) or b"")
        record: AnyRecord = PassedByRecord(what="message", why="not JSON")
        if data is not None:
            record = MessageRecord(
                conversation=self._conversation,
                message_id=ident[:_ID_CHARS],
                occurrence=int(occurrence),
                noted_ms=time_of(self._beside.get("updatedAtMs")),
                data=data,
            )
        return msgspec.json.encode(record)

    def end(self, emitted: int) -> bytes | None:
        """Returns the record that closes the chat; None if no message was emitted."""
        return msgspec.json.encode(StateRecord(conversation=self._conversation)) if emitted else None

    @cached_property
    def _conversation(self) -> Conversation:
        title = text_of(self._beside.get("title")) or text_of(self._meta.get("name"))
        folder = text_of(self._beside.get("cwd")) or path_of(self._workspace) or ""
        return Conversation(
            id=self._ident,
            name=bounded(title, SHORT_CHARS) if title != UNTITLED else "",
            model=bounded(text_of(self._meta.get("lastUsedModel")), SHORT_CHARS),
            parent=self._ident if is_true(self._beside.get("isSubagent")) else None,
            folders=(folder,) if folder else (),
        )

    @cached_property
    def _root(self) -> bytes:
        with suppress(sqlite.TooLarge):
            return self._blob(self._root_id, MAX_ROOT_BYTES) or b""
        return b""

    @property
    def _workspace(self) -> str:
        """The workspace's URI in the root; empty if it has none."""
        found = _WORKSPACE.search(self._root)
        return self._root[found.end() : found.end() + found[1][0]].decode("utf-8", "replace") if found else ""

    @cached_property
    def _messages(self) -> tuple[str, ...]:
        return tuple(ident for listed in _MESSAGES.findall(self._root) for ident in self._below(listed.hex()))

    @property
    def _is_compacted(self) -> bool:
        """Whether the conversation begins with a text from the client instead of a prompt."""
        heads = (self._blob(ident) or b"" for ident, _ in self.pieces[:_HEAD_MESSAGES])
        return not any(b"<user_query>" in blob for blob in heads)

    def _below(self, ident: str, depth: int = 0) -> tuple[str, ...]:
        """Returns the messages in a blob: the blob itself or, in newer builds, those it lists; none without a blob."""
        try:
            head = sqlite.value_at(self._db, _BLOB_HEAD, ident)
        except sqlite.TooLarge:
            return (ident,)
        if head is None:
            return ()
        if head.lstrip()[:1] == b"{" or depth == _MAX_DEPTH:
            return (ident,)
        listed = _NODES.findall(self._blob(ident, MAX_ROOT_BYTES) or b"")
        nested = [message for inner in listed for message in self._below(inner.hex(), depth + 1)]
        return tuple(nested[:MAX_MESSAGES]) or (ident,)

    def _blob(self, ident: str, limit: int = MAX_BLOB_BYTES) -> bytes | None:
        """Returns a blob. Raises TooLarge."""
        return sqlite.value_at(self._db, _BLOB, ident, limit=limit)


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
