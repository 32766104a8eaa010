"""Reads a transcript that is one JSON document, `session-*.json` (0.26), which the client rewrites at each message.

The client writes in place, so a read may meet half of a document. What it then holds is nothing; it is read again.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Batch, FileStat, Record
from carryover.agents.gemini_cli import wire
from carryover.agents.gemini_cli.locate import start_folder
from carryover.readers.files import read_small, stamp_of_file
from carryover.readers.rewritten import Piece, read_on
from carryover.readers.sqlite import TooLarge
from carryover.readers.stat_cache import utc_now_ms
from carryover.records import rawjson

MAX_DOCUMENT_BYTES: Final = 128 << 20
SETTLED_MS: Final = 5_000
"""A document that was written longer ago than that and cannot be read is damaged, not half written."""
AGAIN_S: Final = 1.0

_DAMAGED: Final = b'{"$damaged":true}'
_DOCUMENT: Final = msgspec.json.Decoder(wire.Document)
_NUMBERED: Final = re.compile(rb'\{"\$number":(\d{1,9}),')


class DocumentReader:
    """See `carryover.adapter.contract.Reader`. A message has the number that it has in the document, from 1."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """What changed in the document. Raises FileNotFoundError where it is gone, and OSError."""
        written_ms = stamp_of_file(path).mtime_ns // 1_000_000
        now_ms = utc_now_ms()
        data = read_small(path, limit=MAX_DOCUMENT_BYTES)
        if data is None:
            return read_on(_Snapshot(None), cursor, now_ms=now_ms)
        document = rawjson.read(_DOCUMENT, data)
        if not isinstance(document, str):
            return _numbered(read_on(_Snapshot(_Conversation(document, start_folder(path))), cursor, now_ms=now_ms))
        if now_ms - written_ms < SETTLED_MS:
            return Batch(records=(), cursor=cursor or b"", retry_after_s=AGAIN_S)
        return Batch(records=(Record(number=1, data=_DAMAGED),), cursor=cursor or b"")

    def stat(self, path: Path) -> FileStat:
        """Size and time of the file."""
        return stamp_of_file(path)


class _Snapshot:
    """See `carryover.readers.rewritten.Snapshot`: a document is one conversation, None where it is too large."""

    def __init__(self, only: _Conversation | None) -> None:
        self._only = only

    def conversations(self) -> list[tuple[str, str]]:
        return [("document", self._only.mark if self._only is not None else "")]

    def conversation(self, ident: str, notes: dict[str, str]) -> _Conversation:  # noqa: ARG002
        if self._only is None:
            raise TooLarge
        return self._only


class _Conversation:
    """See `carryover.readers.rewritten.Conversation`: the pieces are the messages."""

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
        raw = bytes(self._document.messages[number])
        if not raw.startswith(b"{"):
            return raw
        return b'{"$number":%d,%s' % (number + 1, raw[1:])

    def end(self, emitted: int) -> bytes | None:  # noqa: ARG002
        if self._document.summary == rawjson.ABSENT:
            return None
        return msgspec.json.encode({"$set": {"summary": self._document.summary}})


def _numbered(batch: Batch) -> Batch:
    """The batch with its messages numbered as in the document; what is said of them all has no number."""
    records = []
    number = 0
    for record in batch.records:
        found = _NUMBERED.match(record.data)
        number = int(found[1]) if found is not None else number
        records.append(Record(number=number, data=record.data))
    return msgspec.structs.replace(batch, records=tuple(records))


def _mark(raw: msgspec.Raw) -> str:
    return hashlib.blake2b(bytes(raw), digest_size=12).hexdigest()
