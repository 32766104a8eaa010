"""Reads the files in which opencode kept sessions before it had a database, and sessions that a user exported.

Before 1.2 each session, message and part was a file: `storage/session/<project>/<session>.json`,
`storage/message/<session>/<message>.json`, `storage/part/<message>/<part>.json`. `opencode export` writes one document.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Batch, FileStat, Record
from carryover.agents.opencode.talk import MessageRow, PartRow, Revert, StoredPart, Talk
from carryover.agents.opencode.wire import Session, is_usable_id, ms_of
from carryover.readers.files import read_small, stamp_of_file, stat_regular
from carryover.readers.rewritten import READ_BYTES, read_on
from carryover.readers.sqlite import TooLarge
from carryover.readers.stat_cache import utc_now_ms
from carryover.records.fields import digest
from carryover.records.lenient import Fields, fields_of, items_of, read_as, text_of

MAX_FILE_BYTES: Final = 8 << 20
MAX_EXPORT_BYTES: Final = 256 << 20
MOST_PARENTS: Final = 10


class SessionFileReader:
    """Reads a session's file with the files of its messages; see `carryover.adapter.contract.Reader`."""

    def __init__(self, now_ms: Callable[[], int] = utc_now_ms) -> None:
        self._now_ms = now_ms

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """What changed in the session. Raises FileNotFoundError and OSError."""
        now_ms = self._now_ms()
        return read_on(SessionFiles(path, now_ms), cursor, now_ms=now_ms)

    def stat(self, path: Path) -> FileStat:
        """Of the session's file and of its last message: no other changes while the session continues."""
        status = stat_regular(path)
        names = _names(_storage(path) / "message" / path.stem)
        size, mtime_ns = status.st_size + len(names), status.st_mtime_ns
        if names:
            try:
                last = stat_regular(_storage(path) / "message" / path.stem / names[-1])
                size, mtime_ns = size + last.st_size, max(mtime_ns, last.st_mtime_ns)
            except OSError:  # it was removed in between
                return FileStat(size, mtime_ns)
        return FileStat(size, mtime_ns)


class SessionFiles:
    """One session; see `carryover.readers.rewritten.Snapshot` and `carryover.agents.opencode.talk.Store`."""

    def __init__(self, path: Path, now_ms: int) -> None:
        self._path, self._now_ms = path, now_ms
        self._storage = _storage(path)
        self._info = fields_of(read_small(path, limit=MAX_FILE_BYTES))

    def conversations(self) -> list[tuple[str, str]]:
        """The session, with a mark of its newest files."""
        rows = self.message_rows()[-1:]
        return (
            [(self._path.stem, f"{digest(msgspec.json.encode(self._info))} {rows} {self._rows_of(rows)}")]
            if self._info
            else []
        )

    def conversation(self, ident: str, notes: dict[str, str]) -> Talk | None:  # noqa: ARG002
        """The session with its messages."""
        session = session_of(self._info, ident)
        return Talk(
            store=self,
            session=msgspec.structs.replace(session, root=self._root_of(session.root)),
            now_ms=self._now_ms,
            created_ms=created_ms(self._info),
            revert=revert_of(self._info),
        )

    def message_rows(self) -> list[MessageRow]:
        """The messages, oldest first."""
        folder = self._storage / "message" / self._path.stem
        rows = [row for name in _names(folder) if (row := _message_row(folder / name)) is not None]
        return sorted(rows, key=lambda row: (row.created_ms, row.id))

    def part_rows(self) -> dict[str, list[PartRow]]:
        """The parts by the message's id, each list oldest first."""
        return self._rows_of(self.message_rows())

    def _rows_of(self, messages: Sequence[MessageRow]) -> dict[str, list[PartRow]]:
        found: dict[str, list[PartRow]] = {}
        for row in messages:
            folder = self._storage / "part" / row.id
            found[row.id] = [PartRow(Path(name).stem, _mtime_ms(folder / name)) for name in _names(folder)]
        return found

    def message(self, ident: str) -> bytes | None:
        """A message."""
        return _content(self._storage / "message" / self._path.stem / f"{ident}.json")

    def parts(self, message: str) -> list[StoredPart]:
        """The parts of a message, oldest first."""
        folder = self._storage / "part" / message
        return [StoredPart(Path(name).stem, _content(folder / name)) for name in _names(folder)]

    def _root_of(self, parent: str | None) -> str | None:
        for _ in range(MOST_PARENTS):
            above = fields_of(_content(self._path.with_name(f"{parent}.json"))) if parent else {}
            next_parent = text_of(above.get("parentID"))
            if not is_usable_id(next_parent):
                break
            parent = next_parent
        return parent


class ExportReader:
    """Reads a document of `opencode export`, each record numbered as its message; see `adapter.contract.Reader`."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """The next messages. Raises FileNotFoundError, and OSError where it is no such document."""
        data = read_small(path, limit=MAX_EXPORT_BYTES) or b""
        document = fields_of(data)
        session = session_of(fields_of(document.get("info")), "")
        if not is_usable_id(session.id):
            raise OSError(errno.EINVAL, "not an exported session", str(path))
        mark = digest(data)
        known, _, done = (cursor or b"").decode("ascii", "replace").partition(" ")
        restarted = cursor is not None and known != mark
        number = int(done) if known == mark and done.isdigit() else 0
        exported = Exported(items_of(document.get("messages")))
        talk = Talk(store=exported, session=session, now_ms=utc_now_ms())
        records: list[Record] = []
        used, oversized = 0, 0
        while number < len(talk.rows) and used < READ_BYTES:
            try:
                record = Record(number=number + 1, data=talk.whole_message(number))
                records.append(record)
                used += len(record.data)
            except TooLarge:
                oversized += 1
            number += 1
        return Batch(
            records=tuple(records),
            cursor=f"{mark} {number}".encode(),
            restarted=restarted,
            more=number < len(talk.rows),
            oversized=oversized,
        )

    def stat(self, path: Path) -> FileStat:
        """Size and time of the document."""
        return stamp_of_file(path)


class Exported:
    """The messages of a document; see `carryover.agents.opencode.talk.Store`."""

    def __init__(self, entries: Sequence[msgspec.Raw]) -> None:
        self._messages: dict[str, bytes] = {}
        self._parts: dict[str, list[StoredPart]] = {}
        for entry in entries:
            fields = fields_of(entry)
            info = fields_of(fields.get("info"))
            if ident := text_of(info.get("id")):
                self._messages[ident] = bytes(fields["info"])
                self._parts[ident] = [
                    StoredPart(text_of(fields_of(part).get("id")) or f"{ident}.{number}", bytes(part))
                    for number, part in enumerate(items_of(fields.get("parts")))
                ]

    def message_rows(self) -> list[MessageRow]:
        """The messages in the order of the document."""
        return [_row(ident, data, 0) for ident, data in self._messages.items()]

    def part_rows(self) -> dict[str, list[PartRow]]:
        """The parts by the message's id."""
        return {ident: [PartRow(part.id, 0) for part in parts] for ident, parts in self._parts.items()}

    def message(self, ident: str) -> bytes | None:
        """A message."""
        return self._messages.get(ident)

    def parts(self, message: str) -> list[StoredPart]:
        """The parts of a message, oldest first."""
        return self._parts.get(message, [])


def session_of(info: Fields, ident: str) -> Session:
    """The session that a record of it describes."""
    parent = text_of(info.get("parentID"))
    return Session(
        id=ident or text_of(info.get("id")),
        root=parent if is_usable_id(parent) else None,
        directory=text_of(info.get("directory")) or None,
        title=text_of(info.get("title"))[:1000] or None,
        version=text_of(info.get("version"))[:100] or None,
    )


def created_ms(info: Fields) -> int:
    """When a session was made, in UTC milliseconds; 0 where that is unknown."""
    return ms_of(fields_of(info.get("time")).get("created"))


def revert_of(info: Fields) -> Revert | None:
    """From where on a session was undone."""
    revert = read_as(info.get("revert"), Revert)
    return revert if revert is not None and revert.message else None


def _storage(path: Path) -> Path:
    return path.parent.parent.parent


def _names(folder: Path) -> list[str]:
    """The JSON files in a folder, oldest first, as their names say."""
    try:
        return sorted(entry.name for entry in folder.iterdir() if entry.suffix == ".json")
    except OSError:
        return []


def _message_row(path: Path) -> MessageRow | None:
    data = _content(path)
    return None if data is None else _row(path.stem, data, _mtime_ms(path))


def _row(ident: str, data: bytes, updated_ms: int) -> MessageRow:
    message = fields_of(data)
    return MessageRow(
        ident, ms_of(fields_of(message.get("time")).get("created")), updated_ms, text_of(message.get("role")) == "user"
    )


def _mtime_ms(path: Path) -> int:
    try:
        return stat_regular(path).st_mtime_ns // 1_000_000
    except OSError:
        return 0


def _content(path: Path) -> bytes | None:
    """A file's content; None where it cannot be read, or is too large."""
    try:
        return read_small(path, limit=MAX_FILE_BYTES)
    except OSError:
        return None
