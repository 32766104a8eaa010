"""Where sources are, and sessions that a user exported: `opencode export` writes one document, which becomes a database
in memory with the tables of 1.2, and is read like one on disk.
"""

from __future__ import annotations

import errno
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from carryover.adapter.contract import FileStat, Reader, Source
from carryover.agents.opencode import SPEC
from carryover.agents.opencode.database import DATABASES, database_reader, ms_of, snapshot_of, tables_of_copy
from carryover.clock import utc_now_ms
from carryover.records import rawjson
from carryover.records.fields import digest
from carryover.records.lenient import Fields, fields_of, inside, items_of, text_of
from carryover.text.pattern import later
from carryover.transcript import sqlite
from carryover.transcript.files import read_document
from carryover.transcript.rewritten import Snapshot, SnapshotReader
from carryover.transcript.stored import is_usable_id

_RANK: Final = 2
"""Of a database: above an export, which may be older."""
LAYOUTS: Final = (replace(DATABASES, rank=_RANK),)
_EXPORTING: Final = later(rb"\A\s*Exporting session: [^\r\n]{1,200}\r?\n")
"""What is printed as an error, and comes first where both streams go into one file."""
_EXPORT: Final = later(rb'\s*\{\s*"info"\s*:\s*\{\s*"id"\s*:\s*"ses_')
_TAKEN_OUT: Final = "REDACTED"
"""What Entire (0.5) writes in place of an id that looks like a secret."""

_TABLES: Final = (
    "CREATE TABLE session (id, parent_id, directory, title, version, time_created, time_updated, revert);"
    "CREATE TABLE message (id, session_id, time_created, time_updated, data);"
    "CREATE TABLE part (id, message_id, session_id, time_updated, data);"
    "CREATE INDEX parts ON part (message_id)"
)


def source_kind(path: Path) -> str | None:
    """Returns the kind of the source at `path`, by the end of its path alone; None if it is not a source."""
    if path.suffix == ".db":
        return "database"
    return "export" if path.suffix in (".json", ".jsonl") else None  # Entire has `full.jsonl` of every agent (0.5)


def exported_source(path: Path, head: bytes) -> Source | None:
    """Returns the source in a file anywhere on disk."""
    match source_kind(path):
        case "database" if tables_of_copy(path, head):
            return Source(agent=SPEC.id, path=str(path), rank=_RANK)
        case "export" if _EXPORT.match(_EXPORTING.sub(b"", head, 1)):
            return Source(agent=SPEC.id, path=str(path))
        case _:
            return None


class _Item(msgspec.Struct, frozen=True):
    """A message with its parts, or a part."""

    id: str
    data: bytes
    parts: tuple[_Item, ...] = ()

    @property
    def mark(self) -> int:
        """Takes the place of the time of the last write. It is long ago, so the content counts as final."""
        return -int(digest(self.data)[:14], 16)


def exported_session(path: Path, _stat: FileStat) -> Snapshot:
    """Takes the snapshot of a document from `opencode export`."""
    document = fields_of(_EXPORTING.sub(b"", read_document(path), 1))
    info = fields_of(document.get("info"))
    ident = text_of(info.get("id"))
    if not is_usable_id(ident):
        raise OSError(errno.EINVAL, "not an exported session", str(path))
    entries = [fields_of(entry) for entry in items_of(document.get("messages"))]
    infos = [bytes(entry.get("info", rawjson.ABSENT)) for entry in entries]
    return _database(info, ident, list(map(_exported, _idents(infos), infos, entries)))


def _exported(ident: str, info: bytes, entry: Fields) -> _Item:
    parts = [bytes(part) for part in items_of(entry.get("parts"))]
    return _Item(ident, info, tuple(map(_Item, _idents(parts, ident), parts)))


def _idents(items: list[bytes], before: str = "") -> Iterator[str]:
    """Yields the id of each item; items are sorted by id. An item without one, or with `_TAKEN_OUT` in its place, gets
    the id of the item before it with its own number added."""
    for number, item in enumerate(items):
        ident = text_of(fields_of(item).get("id"))
        has_own = ident not in ("", _TAKEN_OUT)
        before = ident if has_own else before
        yield ident if has_own else f"{before}.{number:06}"


def _database(info: Fields, ident: str, messages: list[_Item]) -> Snapshot:
    db = sqlite.in_memory(_TABLES)
    texts = (text_of(info.get(name)) for name in ("parentID", "directory", "title", "version"))
    marks = [(message.mark, *(part.mark for part in message.parts)) for message in messages]
    updated = _Item("", str(marks).encode()).mark
    session = (ident, *texts, 0, updated, bytes(info.get("revert", rawjson.ABSENT)))
    db.execute("INSERT INTO session VALUES (?,?,?,?,?,?,?,?)", session)
    for item in messages:
        sent_ms = ms_of(inside(msgspec.Raw(item.data), "time", "created"))
        db.execute("INSERT INTO message VALUES (?,?,?,?,?)", (item.id, ident, sent_ms, item.mark, item.data))
        parts = ((part.id, item.id, ident, part.mark, part.data) for part in item.parts)
        db.executemany("INSERT INTO part VALUES (?,?,?,?,?)", parts)
    snapshot = snapshot_of(db, utc_now_ms())
    weakref.finalize(snapshot.conversation, db.close)
    return snapshot


READERS: Final[Mapping[str, Reader]] = {
    "database": database_reader(),
    "export": SnapshotReader(exported_session),
}
"""Of all sessions (1.2 and later), and of one that a user exported."""
