"""Reads both forms of a transcript: appended lines, and one document rewritten with each message (0.26).

The client writes a document in place, so a read may find half of it and is tried again.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Batch, FileStat, Reader, Record
from carryover.agents.gemini_cli import wire
from carryover.agents.gemini_cli.locate import start_folder
from carryover.readers.files import read_small
from carryover.readers.jsonl import JsonlReader
from carryover.readers.rewritten import OnlyConversation, SnapshotReader
from carryover.readers.stat_cache import utc_now_ms
from carryover.records import rawjson
from carryover.records.fields import digest

MAX_DOCUMENT_BYTES: Final = 128 << 20
SETTLED_MS: Final = 5_000
"""A document that can't be read this long after its last write is damaged, not half written."""

_DOCUMENT: Final = msgspec.json.Decoder(wire.Document)


class LinesReader(JsonlReader):
    """Reads `.jsonl` files, preceded by a header with the start folder, which no line needs to contain."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """See `JsonlReader.read`."""
        batch = super().read(path, cursor)
        root = start_folder(path) if batch.records else None
        if root is None:
            return batch
        first = Record(number=0, data=msgspec.json.encode({"$begin": wire.Begin(root=root)}))
        return msgspec.structs.replace(batch, records=(first, *batch.records))


def document_reader() -> Reader:
    """Returns the reader of `.json` documents."""
    return SnapshotReader(_conversation)


def _conversation(path: Path, stat: FileStat) -> _Conversation:
    data = read_small(path, limit=MAX_DOCUMENT_BYTES)
    document: wire.Document | str = "too large"
    if data is not None:
        document = rawjson.read(_DOCUMENT, data)
    if isinstance(document, str):
        half_written = utc_now_ms() - stat.mtime_ns // 1_000_000 < SETTLED_MS
        raise OSError(errno.EAGAIN if half_written else errno.EINVAL, f"not a conversation: {document}", str(path))
    return _Conversation(document, start_folder(path))


class _Conversation(OnlyConversation):
    """A document. Its pieces are the messages."""

    ident = "document"

    def __init__(self, document: wire.Document, root: str | None) -> None:
        self._document, self._root = document, root
        self.pieces = [(str(number), digest(bytes(raw))) for number, raw in enumerate(document.messages)]

    def conversations(self) -> list[tuple[str, str]]:
        summary = bytes(self._document.summary).decode("utf-8", "replace")
        return [(self.ident, f"{summary} {self.pieces}")]

    def begin(self, *, on: bool, more: bool) -> bytes | None:
        begin = wire.Begin(root=self._root, document=True, on=on, more=more)
        document = self._document
        header = {
            "sessionId": document.session_id,
            "projectHash": document.project_hash,
            "startTime": document.start_time,
            "kind": document.kind,
            "directories": document.directories,
        }
        return msgspec.json.encode({"$begin": begin, **header})

    def piece(self, number: int) -> bytes | None:
        return bytes(self._document.messages[number])

    def end(self, emitted: int) -> bytes | None:  # noqa: ARG002
        if self._document.summary == rawjson.ABSENT:
            return None
        return msgspec.json.encode({"$set": {"summary": self._document.summary}})
