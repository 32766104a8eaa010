"""Reads a session that is one JSON document, rewritten with each message."""

from __future__ import annotations

import errno
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import FileStat
from carryover.importing.declared.parse import Begin, Entry
from carryover.readers.files import read_document
from carryover.readers.rewritten import OnlyConversation, SnapshotReader
from carryover.readers.stat_cache import utc_now_ms
from carryover.records.fields import digest
from carryover.records.lenient import Fields, fields_of, inside, items_of

MOST_IN_HEAD: Final = 4 << 10
"""Bytes of a field beside the list that may say something about the session."""
SETTLED_MS: Final = 5_000
"""A document that can't be read this long after its last write is damaged, not half written."""


def reader_of_documents(messages: str) -> SnapshotReader[Document]:
    """Returns a reader of documents whose records are in the list at the path `messages`."""
    return SnapshotReader(partial(_document_in, messages))


def _document_in(messages: str, path: Path, stat: FileStat) -> Document:
    data = read_document(path).removeprefix(b"\xef\xbb\xbf").strip()
    raw = msgspec.Raw(data)
    listed = inside(raw, *messages.split(".")) if data.startswith(b"{") else raw
    records = items_of(listed)
    if not records:
        half_written = utc_now_ms() - stat.mtime_ns // 1_000_000 < SETTLED_MS
        raise OSError(errno.EAGAIN if half_written else errno.EINVAL, "no list of messages", str(path))
    return Document(fields_of(raw), records)


class Document(OnlyConversation):
    """A document. Its pieces are the records in its list."""

    ident = "document"

    def __init__(self, fields: Fields, records: list[msgspec.Raw]) -> None:
        self._head = {name: raw for name, raw in fields.items() if len(bytes(raw)) <= MOST_IN_HEAD}
        self._records = records
        self.pieces = [(str(number), digest(bytes(raw))) for number, raw in enumerate(records)]

    def begin(self, *, on: bool, more: bool) -> bytes | None:
        return msgspec.json.encode(Begin(self._head, on, more))

    def piece(self, number: int) -> bytes | None:
        return msgspec.json.encode(Entry(number, self._records[number]))
