"""Reads the session files that opencode wrote before it had a database, and exported sessions.

Before 1.2 each session, message and part was a file: `storage/session/<project>/<session>.json`,
`storage/message/<session>/<message>.json`, `storage/part/<message>/<part>.json`. `opencode export` writes one document.
Both become a database in memory with the tables of 1.2, which is read like one on disk.
"""

from __future__ import annotations

import errno
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from carryover.adapter.contract import FileStat
from carryover.agents.opencode.database import Database, ms_of
from carryover.records import rawjson
from carryover.records.fields import digest
from carryover.records.lenient import Fields, fields_of, inside, items_of, text_of
from carryover.transcript import sqlite
from carryover.transcript.files import entries_of, read_document, read_small, stamp_of_file
from carryover.transcript.rewritten import SnapshotReader
from carryover.transcript.stat_cache import utc_now_ms
from carryover.transcript.stored import is_usable_id

MAX_FILE_BYTES: Final = 8 << 20

_TABLES: Final = (
    "CREATE TABLE session (id, parent_id, directory, title, version, time_created, time_updated, revert);"
    "CREATE TABLE message (id, session_id, time_created, time_updated, data);"
    "CREATE TABLE part (id, message_id, session_id, time_updated, data);"
    "CREATE INDEX parts ON part (message_id)"
)


class _Item(NamedTuple):
    """A message with its parts, or a part."""

    id: str
    data: bytes
    parts: tuple[_Item, ...] = ()

    @property
    def mark(self) -> int:
        """Takes the place of the time of the last write. It is long ago, so the content counts as final."""
        return -int(digest(self.data)[:14], 16)


class SessionFileReader(SnapshotReader[Database]):
    """Reads a session's file and the files of its messages. Only databases have sub-agents of sub-agents."""

    def stat(self, path: Path) -> FileStat:
        """Returns the size and time of the session's file and its last message.

        No other file changes while the session continues.
        """
        first = super().stat(path)
        last = FileStat(0, 0)
        messages = path.parents[2] / "message" / path.stem
        names = _names(messages)
        with suppress(IndexError, OSError):  # there is none, or it was removed in between
            last = stamp_of_file(messages / names[-1])
        return FileStat(first.size + len(names) + last.size, max(first.mtime_ns, last.mtime_ns))


def session_files(path: Path, _stat: FileStat) -> Database:
    """Takes the snapshot of a session in files."""
    info = fields_of(read_small(path, limit=MAX_FILE_BYTES))
    storage = path.parents[2]
    found = _items(storage / "message" / path.stem)
    messages = [message._replace(parts=tuple(_items(storage / "part" / message.id))) for message in found]
    created = ms_of(fields_of(info.get("time")).get("created"))
    return _database(info, path.stem if info else "", messages, created_ms=created)


def exported_session(path: Path, _stat: FileStat) -> Database:
    """Takes the snapshot of a document from `opencode export`."""
    document = fields_of(read_document(path))
    info = fields_of(document.get("info"))
    ident = text_of(info.get("id"))
    if not is_usable_id(ident):
        raise OSError(errno.EINVAL, "not an exported session", str(path))
    messages = [_exported(fields_of(entry)) for entry in items_of(document.get("messages"))]
    return _database(info, ident, messages)


def _exported(entry: Fields) -> _Item:
    info = bytes(entry.get("info", rawjson.ABSENT))
    ident = text_of(fields_of(info).get("id"))
    parts = [bytes(part) for part in items_of(entry.get("parts"))]
    idents = (text_of(fields_of(part).get("id")) or f"{ident}.{number:06}" for number, part in enumerate(parts))
    return _Item(ident, info, tuple(map(_Item, idents, parts)))


def _database(info: Fields, ident: str, messages: list[_Item], *, created_ms: int = 0) -> Database:
    db = sqlite.in_memory(_TABLES)
    texts = (text_of(info.get(name)) for name in ("parentID", "directory", "title", "version"))
    marks = [(message.mark, *(part.mark for part in message.parts)) for message in messages]
    updated = _Item("", str(marks).encode()).mark
    session = (ident, *texts, created_ms, updated, bytes(info.get("revert", rawjson.ABSENT)))
    db.execute("INSERT INTO session VALUES (?,?,?,?,?,?,?,?)", session)
    for item in messages:
        sent_ms = ms_of(inside(msgspec.Raw(item.data), "time", "created"))
        db.execute("INSERT INTO message VALUES (?,?,?,?,?)", (item.id, ident, sent_ms, item.mark, item.data))
        parts = ((part.id, item.id, ident, part.mark, part.data) for part in item.parts)
        db.executemany("INSERT INTO part VALUES (?,?,?,?,?)", parts)
    database = Database(db, utc_now_ms())
    weakref.finalize(database, db.close)
    return database


def _names(folder: Path) -> list[str]:
    """Returns the JSON files in a folder, oldest first by name."""
    return sorted(entry.name for entry in entries_of(folder) if entry.name.endswith(".json"))


def _items(folder: Path) -> list[_Item]:
    return [_Item(name.removesuffix(".json"), _content(folder / name)) for name in _names(folder)]


def _content(path: Path) -> bytes:
    """Returns a file's content; `null` if it can't be read or is too large."""
    with suppress(OSError):
        return read_small(path, limit=MAX_FILE_BYTES) or b"null"
    return b"null"
