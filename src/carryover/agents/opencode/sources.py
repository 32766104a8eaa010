"""Where sources are. Reads the session files that opencode wrote before it had a database, and exported sessions.

Before 1.2 each session, message and part was a file: `storage/session/<project>/<session>.json`,
`storage/message/<session>/<message>.json`, `storage/part/<message>/<part>.json`. `opencode export` writes one document.
Both become a database in memory with the tables of 1.2, which is read like one on disk.
"""

from __future__ import annotations

import errno
import weakref
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from carryover.adapter.contract import FileStat, Reader, Source
from carryover.adapter.layouts import Layout
from carryover.agents.opencode import SPEC
from carryover.agents.opencode.database import DATABASES, Database, database_reader, ms_of, tables_of_copy
from carryover.records import rawjson
from carryover.records.fields import digest
from carryover.records.lenient import Fields, fields_of, inside, items_of, text_of
from carryover.text.pattern import later
from carryover.transcript import sqlite
from carryover.transcript.files import entries_of, read_beside, read_document, read_small, stamp_of_file
from carryover.transcript.rewritten import SnapshotReader
from carryover.transcript.stat_cache import StatCachedReader, utc_now_ms
from carryover.transcript.stored import is_usable_id

SourceKind = Literal["database", "files", "export"]
"""database: all sessions (1.2 and later). files: one session of an older version. export: one that a user exported."""

_RANKS: Final[dict[SourceKind, int]] = {"database": 2, "files": 1, "export": 0}
"""1.2 copies the files into the database and leaves the originals."""
_FILE: Final = r"storage/session/(?P<group>[^/]+)/ses_[\w-]{1,100}\.json"
_IS_FILE: Final = later(rf"/{_FILE}\Z")
LAYOUTS: Final = (
    replace(DATABASES, rank=_RANKS["database"]),
    Layout(globs=("storage/session/*/ses_*.json",), pattern=_FILE, rank=_RANKS["files"]),
)
_EXPORTING: Final = later(rb"\A\s*Exporting session: [^\r\n]{1,200}\r?\n")
"""What is printed as an error, and comes first where both streams go into one file."""
_EXPORT: Final = later(rb'\s*\{\s*"info"\s*:\s*\{\s*"id"\s*:\s*"ses_')
_SESSION_FILE: Final = later(rb'\s*\{\s*"id"\s*:\s*"ses_')
_TAKEN_OUT: Final = "REDACTED"
"""What Entire (0.5) writes in place of an id that looks like a secret."""
MAX_FILE_BYTES: Final = 8 << 20

_TABLES: Final = (
    "CREATE TABLE session (id, parent_id, directory, title, version, time_created, time_updated, revert);"
    "CREATE TABLE message (id, session_id, time_created, time_updated, data);"
    "CREATE TABLE part (id, message_id, session_id, time_updated, data);"
    "CREATE INDEX parts ON part (message_id)"
)


def source_kind(path: Path) -> SourceKind | None:
    """Returns the kind of the source at `path`, by the end of its path alone; None if it is not a source."""
    if path.suffix == ".db":
        return "database"
    if _IS_FILE.search(str(path)):
        return "files"
    return "export" if path.suffix in (".json", ".jsonl") else None  # Entire has `full.jsonl` of every agent (0.5)


def exported_source(path: Path, head: bytes) -> Source | None:
    """Returns the source in a file anywhere on disk. A session of an older version needs the folders around it."""
    kind = source_kind(path)
    if kind == "database":
        is_source = bool(tables_of_copy(path, head))
    else:
        is_source = (_SESSION_FILE if kind == "files" else _EXPORT).match(_EXPORTING.sub(b"", head, 1)) is not None
    if kind is None or not is_source:
        return None
    group = path.parent.name if kind == "files" else ""
    return Source(agent=SPEC.id, path=str(path), group=group, rank=_RANKS[kind])


class _Item(msgspec.Struct, frozen=True):
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
    messages = [_Item(each.id, each.data, tuple(_items(storage / "part" / each.id))) for each in found]
    created = ms_of(fields_of(info.get("time")).get("created"))
    return _database(info, path.stem if info else "", messages, created_ms=created)


def exported_session(path: Path, _stat: FileStat) -> Database:
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
    contents = ((name, read_beside(folder / name, limit=MAX_FILE_BYTES)) for name in _names(folder))
    return [_Item(name.removesuffix(".json"), content or b"null") for name, content in contents]


READERS: Final[Mapping[SourceKind, Reader]] = {
    "database": StatCachedReader(database_reader()),
    "files": SessionFileReader(session_files),
    "export": SnapshotReader(exported_session),
}
"""The reader of each kind of source."""
