"""Reads both forms of a transcript: appended lines, and one document rewritten with each message (0.26).

Before its records, each reader puts one with `$begin`: the start folder, and how much of a document follows. The client
writes a document in place, so a read may find half of it and is tried again.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Batch, FileStat, Record
from carryover.agents.gemini_cli.builder import Begin
from carryover.agents.gemini_cli.locate import start_folder
from carryover.readers.files import read_document
from carryover.readers.jsonl import JsonlReader
from carryover.readers.rewritten import OnlyConversation
from carryover.readers.stat_cache import utc_now_ms
from carryover.records import rawjson
from carryover.records.fields import digest
from carryover.records.lenient import Fields, fields_of

SETTLED_MS: Final = 5_000
"""A document that can't be read this long after its last write is damaged, not half written."""


class LinesReader(JsonlReader):
    """Reads `.jsonl` files."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """See `JsonlReader.read`."""
        batch = super().read(path, cursor)
        root = start_folder(path) if batch.records else None
        if root is None:
            return batch
        first = Record(number=0, data=msgspec.json.encode({"$begin": Begin(root=root)}))
        return msgspec.structs.replace(batch, records=(first, *batch.records))


def conversation_in(path: Path, stat: FileStat) -> _Conversation:
    """Takes the snapshot of a `.json` document."""
    document = fields_of(read_document(path))
    messages = rawjson.part_of(document.get("messages", rawjson.ABSENT), list[msgspec.Raw])
    if "sessionId" not in document or messages is None:
        half_written = utc_now_ms() - stat.mtime_ns // 1_000_000 < SETTLED_MS
        raise OSError(errno.EAGAIN if half_written else errno.EINVAL, "not a conversation", str(path))
    return _Conversation(document, messages, start_folder(path))


class _Conversation(OnlyConversation):
    """A document. Its pieces are the messages."""

    ident = "document"

    def __init__(self, document: Fields, messages: list[msgspec.Raw], root: str | None) -> None:
        self._messages = messages
        self._root = root
        self._summary = document.get("summary", rawjson.ABSENT)
        names = ("sessionId", "projectHash", "startTime", "kind", "directories")
        self._header = {name: document[name] for name in names if name in document}
        self.pieces = [(str(number), digest(bytes(raw))) for number, raw in enumerate(messages)]

    def conversations(self) -> list[tuple[str, str]]:
        return [(self.ident, f"{bytes(self._summary).decode('utf-8', 'replace')} {self.pieces}")]

    def begin(self, *, on: bool, more: bool) -> bytes | None:
        begin = Begin(root=self._root, document=True, on=on, more=more)
        return msgspec.json.encode({"$begin": begin, **self._header})

    def piece(self, number: int) -> bytes | None:
        return bytes(self._messages[number])

    def end(self, emitted: int) -> bytes | None:  # noqa: ARG002
        if self._summary == rawjson.ABSENT:
            return None
        return msgspec.json.encode({"$set": {"summary": self._summary}})
