"""Reads both forms of a transcript: appended lines, and one document rewritten with each message (0.26).

The client writes a document in place, so a read may find half of it. Then nothing is returned, and it is read again.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Batch, FileStat, Record
from carryover.agents.gemini_cli import wire
from carryover.agents.gemini_cli.locate import start_folder
from carryover.readers.files import read_small, stamp_of_file
from carryover.readers.jsonl import JsonlReader
from carryover.readers.rewritten import Piece, Unfinished
from carryover.readers.sqlite import TooLarge
from carryover.readers.stat_cache import utc_now_ms
from carryover.records import rawjson

MAX_DOCUMENT_BYTES: Final = 128 << 20
SETTLED_MS: Final = 5_000
"""A document that can't be read this long after its last write is damaged, not half written."""
AGAIN_S: Final = 1.0

_DAMAGED: Final = b'{"$damaged":true}'
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


class DocumentReader:
    """Reads `.json` documents; see `carryover.adapter.contract.Reader`."""

    def __init__(self) -> None:
        self._unfinished: Unfinished[_Snapshot] = Unfinished()

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Reads what changed in the document. Raises FileNotFoundError if it is gone, and OSError."""
        stat, now_ms = stamp_of_file(path), utc_now_ms()
        snapshot = self._unfinished.of(path, stat) or _snapshot(path)
        if snapshot is not None:
            return self._unfinished.read_on(path, stat, snapshot, cursor, now_ms=now_ms)
        if now_ms - stat.mtime_ns // 1_000_000 < SETTLED_MS:
            return Batch(records=(), cursor=cursor or b"", retry_after_s=AGAIN_S)
        return Batch(records=(Record(number=1, data=_DAMAGED),), cursor=cursor or b"")

    def stat(self, path: Path) -> FileStat:
        """Returns the file's size and modification time."""
        return stamp_of_file(path)


def _snapshot(path: Path) -> _Snapshot | None:
    """Returns the document; None if it can't be parsed."""
    data = read_small(path, limit=MAX_DOCUMENT_BYTES)
    if data is None:
        return _Snapshot(None)
    document = rawjson.read(_DOCUMENT, data)
    return None if isinstance(document, str) else _Snapshot(_Conversation(document, start_folder(path)))


class _Snapshot:
    """See `carryover.readers.rewritten.Snapshot`. A document holds one conversation, or None if it is too large."""

    def __init__(self, only: _Conversation | None) -> None:
        self._only = only

    def conversations(self) -> list[tuple[str, str]]:
        return [("document", self._only.mark if self._only is not None else "")]

    def conversation(self, ident: str, notes: dict[str, str]) -> _Conversation:  # noqa: ARG002
        if self._only is None:
            raise TooLarge
        return self._only


class _Conversation:
    """See `carryover.readers.rewritten.Conversation`. Its pieces are the messages."""

    rests_ms = None

    def __init__(self, document: wire.Document, root: str | None) -> None:
        self._document, self._root = document, root
        self.pieces: list[Piece] = [(str(number), _mark(raw)) for number, raw in enumerate(document.messages)]

    @property
    def mark(self) -> str:
        summary = bytes(self._document.summary).decode("utf-8", "replace")
        return f"{summary} {' '.join(str(mark) for _, mark in self.pieces)}"

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


def _mark(raw: msgspec.Raw) -> str:
    return hashlib.blake2b(bytes(raw), digest_size=12).hexdigest()
