"""Reads a chat of the terminal client: a `store.db` with `meta.json` beside it.

Each message is a blob keyed by the SHA-256 of its content. A root lists them in order and is rewritten with each
message. What a newer root no longer lists stays counted, since the client may have put a summary in its place.
"""

from __future__ import annotations

import binascii
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Batch, FileStat
from carryover.agents.cursor.wire import Conversation, StoreRecord
from carryover.readers import files, sqlite
from carryover.readers.bounds import TooLarge
from carryover.readers.rewritten import OnlyConversation, read_on
from carryover.readers.stat_cache import utc_now_ms
from carryover.records.fields import SHORT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, is_true, read_as, text_of, time_of

UNTITLED: Final = "New Agent"
"""The name of a chat without a title."""

_ID_CHARS: Final = 16
"""Characters of an id that are kept: a quarter of a SHA-256 is unique in a chat."""
_MAX_DEPTH: Final = 4
# A root and, in newer builds, its nodes are protocol buffers: a field's number and kind, its length, its bytes. What
# has the length of an id counts as one if there is such a blob.
_MESSAGES: Final = re.compile(rb"(?=\x0a\x20(.{32}))", re.DOTALL)
_NODES: Final = re.compile(rb"(?=\x20(.{32}))", re.DOTALL)


class ChatReader:
    """Reads a `store.db`; see `carryover.adapter.contract.Reader`."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Reads what is new in the chat. Raises as `readers.sqlite.read_transaction` does."""
        meta_json = None
        with suppress(OSError):
            meta_json = files.read_small(path.with_name("meta.json"), limit=1 << 16)

        def read_chat(db: sqlite.Connection) -> Batch:
            chat = _Chat(db, path.parent.name, fields_of(meta_json))
            return read_on(chat, cursor, now_ms=utc_now_ms())

        return sqlite.read_database(path, read_chat)

    def stat(self, path: Path) -> FileStat:
        """Returns the size and time of the database and of `meta.json` beside it, which holds title and folder."""
        seen = sqlite.stat(path)
        with suppress(OSError):
            meta_json = files.stamp_of_file(path.with_name("meta.json"))
            return FileStat(seen.size + meta_json.size, max(seen.mtime_ns, meta_json.mtime_ns))
        return seen


class _Chat(OnlyConversation):
    """The chat in a `store.db`. Its pieces are the messages, each with the number of identical ones before it."""

    def __init__(self, db: sqlite.Connection, ident: str, meta_json: Fields) -> None:
        self.ident = ident
        self._db = db
        self._meta_json = meta_json
        # Before its first message the client has made the file, perhaps not its tables.
        is_made = sqlite.tables(db) >= {"meta", "blobs"}
        meta = sqlite.value_at(db, "SELECT value FROM meta WHERE key = ?", "0") if is_made else None
        try:
            self._meta = fields_of(binascii.unhexlify((meta or b"").strip()))
        except binascii.Error:
            self._meta = fields_of(meta)
        root = b""
        with suppress(TooLarge):
            root = (self._blob(text_of(self._meta.get("latestRootBlobId")).lower()) if is_made else None) or b""
        before: Counter[str] = Counter()
        self.pieces = []
        for message in self._messages(_MESSAGES.findall(root)):
            self.pieces.append((message, before[message]))
            before[message] += 1
        self._conversation = self._described()

    def conversations(self) -> list[tuple[str, str]]:
        return [(self.ident, f"{self.pieces} {self._conversation}")] if "latestRootBlobId" in self._meta else []

    def begin(self, *, on: bool, more: bool) -> bytes | None:  # noqa: ARG002
        # Messages are only added, so nothing is announced.
        skipped = StoreRecord(kind="skipped", what="conversation", why="unexpected root")
        return None if self.pieces else msgspec.json.encode(skipped)

    def piece(self, number: int) -> bytes:
        ident, occurrence = self.pieces[number]
        message = read_as(self._blob(ident), Fields)
        record = StoreRecord(
            kind="skipped" if message is None else "message",
            conversation=self._conversation,
            at_ms=time_of(self._meta.get("createdAt")) or time_of(self._meta_json.get("createdAtMs")),
            noted_ms=time_of(self._meta_json.get("updatedAtMs")),
            id=f"{ident[:_ID_CHARS]}/{occurrence}",
            message=message or {},
            what="message" if message is None else "",
            why="not JSON" if message is None else "",
        )
        return msgspec.json.encode(record)

    def end(self, emitted: int) -> bytes | None:
        return msgspec.json.encode(StoreRecord(kind="state", conversation=self._conversation)) if emitted else None

    def _described(self) -> Conversation:
        folder = text_of(self._meta_json.get("cwd"))
        title = text_of(self._meta_json.get("title")) or text_of(self._meta.get("name"))
        return Conversation(
            id=self.ident,
            name=bounded(title, SHORT_CHARS) if title != UNTITLED else "",
            model=bounded(text_of(self._meta.get("lastUsedModel")), SHORT_CHARS),
            # Its own id stands for "unknown": the parent is not recorded.
            parent=self.ident if is_true(self._meta_json.get("isSubagent")) else None,
            folders=(folder,) if folder else (),
        )

    def _messages(self, ids: Iterable[bytes], depth: int = 0) -> Iterator[str]:
        """Yields the messages among these blobs and, in newer builds, those that a blob lists."""
        for ident in (each.hex() for each in ids):
            try:
                blob = self._blob(ident)
            except TooLarge:
                blob = b"{"  # counted when its record is asked for
            if blob is not None:
                is_message = blob.lstrip()[:1] == b"{" or depth == _MAX_DEPTH
                nested = () if is_message else tuple(self._messages(_NODES.findall(blob), depth + 1))
                yield from nested or (ident,)

    def _blob(self, ident: str) -> bytes | None:
        return sqlite.value_at(self._db, "SELECT data FROM blobs WHERE id = ?", ident)
