"""Reads the session files that opencode wrote before it had a database, and exported sessions.

Before 1.2 each session, message and part was a file: `storage/session/<project>/<session>.json`,
`storage/message/<session>/<message>.json`, `storage/part/<message>/<part>.json`. `opencode export` writes one document.
Both are read into memory as a whole.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from carryover.adapter.contract import Batch, FileStat, Reader
from carryover.agents.opencode.talk import Row, StoredPart, Talk, revert_in
from carryover.agents.opencode.wire import MOST_PARENTS, Session, is_usable_id
from carryover.fsio import stat_regular
from carryover.readers.files import read_small
from carryover.readers.rewritten import SnapshotReader, read_on
from carryover.readers.stat_cache import utc_now_ms
from carryover.records.fields import digest
from carryover.records.lenient import Fields, fields_of, items_of, text_of, time_of

MAX_FILE_BYTES: Final = 8 << 20
MAX_EXPORT_BYTES: Final = 256 << 20


class Item(NamedTuple):
    """A message or a part. `data` is None if it can't be read."""

    id: str
    data: bytes | None
    updated_ms: int = 0

    def row(self) -> Row:
        """The item as a store lists it."""
        fields = fields_of(self.data)
        return Row(
            id=self.id,
            updated_ms=self.updated_ms,
            mark=digest(self.data or b""),
            created_ms=time_of(fields_of(fields.get("time")).get("created")),
            by_user=text_of(fields.get("role")) == "user",
        )


class Document:
    """One session; see `carryover.readers.rewritten.Snapshot` and `carryover.agents.opencode.talk.Store`."""

    def __init__(self, talk: Callable[[Document], Talk], messages: Iterable[tuple[Item, list[Item]]]) -> None:
        self._messages = {message.id: (message, parts) for message, parts in messages}
        self._talk = talk(self)

    def conversations(self) -> list[tuple[str, str]]:
        """Returns the session, with a mark of its entire content."""
        session = self._talk.session
        mark = f"{session} {self._talk.pieces}".encode("utf-8", "replace")
        return [(session.id, digest(mark))] if session.id else []

    def conversation(self, ident: str, notes: dict[str, str]) -> Talk:  # noqa: ARG002
        """Returns the session with its messages."""
        return self._talk

    def message_rows(self) -> list[Row]:
        """Returns the messages in order."""
        return [message.row() for message, _ in self._messages.values()]

    def part_rows(self) -> dict[str, list[Row]]:
        """Returns each message's parts, oldest first, by message id."""
        return {ident: [part.row() for part in parts] for ident, (_, parts) in self._messages.items()}

    def message(self, ident: str) -> bytes | None:
        """Returns a message's content."""
        return self._messages[ident][0].data

    def parts(self, message: str) -> list[StoredPart]:
        """Returns a message's parts, oldest first."""
        return [StoredPart(part.id, part.data) for part in self._messages[message][1]]


class SessionFileReader:
    """Reads a session's file and the files of its messages; see `carryover.adapter.contract.Reader`."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Reads what changed in the session. Raises FileNotFoundError and OSError."""
        info = fields_of(read_small(path, limit=MAX_FILE_BYTES))
        storage, now_ms = _storage(path), utc_now_ms()
        messages = _items(storage / "message" / path.stem) if info else []
        session = _session(info, path.stem if info else "")
        session = msgspec.structs.replace(session, root=_root_of(session.root, path))
        created_ms = time_of(fields_of(info.get("time")).get("created"))
        snapshot = Document(
            lambda store: Talk(store, session, now_ms, created_ms, revert_in(info.get("revert"))),
            sorted(
                ((message, _items(storage / "part" / message.id)) for message in messages),
                key=lambda entry: (entry[0].row().created_ms, entry[0].id),
            ),
        )
        return read_on(snapshot, cursor, now_ms=now_ms)

    def stat(self, path: Path) -> FileStat:
        """Returns the size and time of the session's file and its last message.

        No other file changes while the session continues.
        """
        status = stat_regular(path)
        messages = _storage(path) / "message" / path.stem
        names = _names(messages)
        size, mtime_ns = status.st_size + len(names), status.st_mtime_ns
        try:
            last = stat_regular(messages / names[-1])
        except (IndexError, OSError):  # there is none, or it was removed in between
            return FileStat(size, mtime_ns)
        return FileStat(size + last.st_size, max(mtime_ns, last.st_mtime_ns))


def export_reader() -> Reader:
    """Returns the reader of documents from `opencode export`."""
    return SnapshotReader(_export)


def _export(path: Path, _stat: FileStat) -> Document:
    document = fields_of(read_small(path, limit=MAX_EXPORT_BYTES) or b"")
    session = _session(fields_of(document.get("info")), "")
    if not is_usable_id(session.id):
        raise OSError(errno.EINVAL, "not an exported session", str(path))
    messages = (_exported(fields_of(entry)) for entry in items_of(document.get("messages")))
    return Document(lambda store: Talk(store, session, utc_now_ms()), messages)


def _exported(entry: Fields) -> tuple[Item, list[Item]]:
    info = entry.get("info", msgspec.Raw(b"null"))
    parts = enumerate(items_of(entry.get("parts")))
    ident = text_of(fields_of(info).get("id"))
    return Item(ident, bytes(info)), [
        Item(text_of(fields_of(part).get("id")) or f"{ident}.{number}", bytes(part)) for number, part in parts
    ]


def _session(info: Fields, ident: str) -> Session:
    parent = text_of(info.get("parentID"))
    return Session(
        id=ident or text_of(info.get("id")),
        root=parent if is_usable_id(parent) else None,
        directory=text_of(info.get("directory")) or None,
        title=text_of(info.get("title"))[:1000] or None,
        version=text_of(info.get("version"))[:100] or None,
    )


def _root_of(parent: str | None, path: Path) -> str | None:
    """Returns the topmost session that a sub-agent works for; None for a session without a parent."""
    for _ in range(MOST_PARENTS):
        above = text_of(fields_of(_content(path.with_name(f"{parent}.json"))).get("parentID")) if parent else ""
        if not is_usable_id(above):
            break
        parent = above
    return parent


def _storage(path: Path) -> Path:
    return path.parent.parent.parent


def _names(folder: Path) -> list[str]:
    """Returns the JSON files in a folder, oldest first by name."""
    try:
        return sorted(entry.name for entry in folder.iterdir() if entry.suffix == ".json")
    except OSError:
        return []


def _items(folder: Path) -> list[Item]:
    found = []
    for name in _names(folder):
        try:
            updated_ms = stat_regular(folder / name).st_mtime_ns // 1_000_000
        except OSError:
            continue
        found.append(Item(Path(name).stem, _content(folder / name), updated_ms))
    return found


def _content(path: Path) -> bytes | None:
    """Returns a file's content; None if it can't be read or is too large."""
    try:
        return read_small(path, limit=MAX_FILE_BYTES)
    except OSError:
        return None
