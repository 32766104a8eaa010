"""Reads sources that are rewritten in place: what changed is emitted again, from the first difference on or whole.

Such a source holds conversations, each a list of pieces (messages). How they are stored is up to the agent: a
`Snapshot` lists the conversations, each with a mark that changes whenever the conversation does, and returns the pieces
of one. The cursor holds those marks and, for the newest conversations, the number of pieces emitted and a digest of
them. If the conversation still begins with those, only the rest is emitted, or else all of it, and the ledger finds
what is new (`adapter.contract.Reemitted`). So a forgotten conversation or a wrong guess costs time but never content.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from carryover.adapter.contract import Batch, FileStat, Record
from carryover.clock import utc_now_ms
from carryover.records.lenient import fields_of
from carryover.transcript.bounds import TooLarge, TooSlow, is_enough, is_oversized, lines_in
from carryover.transcript.files import read_document, stamp_of_file, state_in, with_others
from carryover.transcript.stored import StoredFacts, StoredRecord

READ_BYTES: Final = 1 << 20
READ_RECORDS: Final = 500
MAX_CONVERSATIONS: Final = 4_000
"""How many of a source's newest conversations are read."""
MAX_EMITTED: Final = 40
MAX_NOTES: Final = 300

_DIGEST_BYTES: Final = 8
_SETTLED_MS: Final = 5_000
"""A document that can't be read this long after its last write is damaged, not half written."""

MarkedPiece = tuple[str, str | int]
"""A piece's id in the conversation, and a mark that changes with its content."""


class NotYet(Exception):
    """A piece is still being written: neither it nor anything after it is emitted now. At `due_ms` (UTC ms) it is taken
    as it is."""

    def __init__(self, due_ms: int) -> None:
        self.due_ms = due_ms


def not_whole(path: Path, stat: FileStat, reason: str) -> OSError:
    """Returns the error for a document without what it must have: EAGAIN as long as it may be half written."""
    half_written = utc_now_ms() - stat.mtime_ns // 1_000_000 < _SETTLED_MS
    return OSError(errno.EAGAIN if half_written else errno.EINVAL, reason, str(path))


class Document:
    """A conversation as it is now: its messages, and what is known of the whole.

    Each of its records names the conversation. `begin`: whether its messages follow those emitted before, and whether
    others follow → the record before them, if any. `record`: the place of a message, and the message → its record; None
    if it holds nothing. Raises NotYet and TooLarge. `end`: how many messages were emitted → the record after them, if
    any. `pieces`: the id and mark of each message, where its text is not what it is known by. `empty`:
    whether there is anything to emit before the first message.
    """

    def __init__(
        self,
        ident: str,
        messages: Sequence[Any],
        begin: Callable[[bool, bool], bytes | None],
        *,
        record: Callable[[int, Any], bytes | None] = lambda _, message: bytes(message),
        end: Callable[[int], bytes | None] = lambda _: None,
        pieces: Sequence[MarkedPiece] | None = None,
        empty: bool = True,
    ) -> None:
        self.ident, self._empty = ident, empty
        self._marks = None if pieces is None else [f"{name} {mark}" for name, mark in pieces]
        self._messages, self._begin, self._record, self._end = messages, begin, record, end
        self._hashed, self._hash = 0, hashlib.blake2b(digest_size=_DIGEST_BYTES)

    def alone(self) -> Snapshot:
        """Returns the snapshot of a source that holds nothing else, with a mark of all that is emitted of it."""
        is_listed = self._empty or self.count > 0
        marks = [(self.ident, f"{self.end(self.count)!r} {self.digest_of(self.count)!r}")] if is_listed else []
        return Snapshot(marks, lambda _ident, _notes: self)

    def digest_of(self, count: int) -> bytes:
        """Returns a digest of the first pieces. It continues the last one, so that all batches together take one pass
        over the pieces."""
        if count < self._hashed:
            self._hashed, self._hash = 0, hashlib.blake2b(digest_size=_DIGEST_BYTES)
        count = min(count, self.count)
        while self._hashed < count:  # joined in parts, since all would take as much memory as the document once more
            part = slice(self._hashed, min(count, self._hashed + READ_RECORDS))
            if self._marks is None:
                found = b"\n".join(self._messages[part])
            else:
                found = "\n".join(self._marks[part]).encode("utf-8", "replace")
            self._hash.update(b"\n" + found if self._hashed else found)
            self._hashed = part.stop
        return self._hash.digest()

    @property
    def count(self) -> int:
        """How many messages it has."""
        return len(self._messages)

    def begin(self, *, on: bool, more: bool) -> bytes | None:
        """Returns the record before the messages. `on`: they follow those emitted before; `more`: others follow."""
        return self._begin(on, more)

    def piece(self, number: int) -> bytes | None:
        """Returns the record of a message; None if it holds nothing. Raises NotYet and TooLarge."""
        return self._record(number, self._messages[number])

    def end(self, emitted: int) -> bytes | None:
        """Returns the record after the messages, of which so many were `emitted`."""
        return self._end(emitted)


class Snapshot(msgspec.Struct):
    """A source as it is now."""

    marks: Sequence[tuple[str, str]]
    """The id and mark of each conversation, most recently changed first."""
    conversation: Callable[[str, dict[str, str]], Document | None]
    """An id, and notes, which carry data to later snapshots and of which only the newest few are kept → the
    conversation; None if it can't be read. Raises TooLarge."""
    unfinished: tuple[str, Document] | None = None
    """The conversation that the last batch of this snapshot emitted in part, so that the next one need not list its
    messages again."""


Taken = Snapshot | Document
"""What a reader takes of a source: all of it, or the one conversation in it."""


def snapshot_of(taken: Taken) -> Snapshot:
    """Returns what was taken as a snapshot."""
    return taken.alone() if isinstance(taken, Document) else taken


class SnapshotReader:
    """Reads a file as a whole whenever it has changed; see `carryover.adapter.contract.Reader`.

    `take` makes the snapshot of a file in that state, and raises OSError if it can't. One that is emitted in several
    batches is kept, so that the file is parsed only once. `beside`: the files whose change is a change of this one.
    `unpacked`: a record → what is read in its place, under numbers of its own.
    """

    def __init__(
        self,
        take: Callable[[Path, FileStat], Taken],
        *,
        beside: Callable[[Path], Iterable[Path]] = lambda _: (),
        now_ms: Callable[[], int] = utc_now_ms,
        oldest_first: bool = False,
        unpacked: Callable[[Record], Iterable[Record]] = lambda record: (record,),
    ) -> None:
        self._take, self._beside, self._now_ms, self._oldest_first = take, beside, now_ms, oldest_first
        self._unpacked = unpacked
        self._unfinished: tuple[Path, FileStat, Snapshot] | None = None

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Returns what changed. Raises FileNotFoundError if the file is gone, OSError if it cannot be read."""
        stat = stamp_of_file(path)
        kept = self._unfinished
        if kept is not None and kept[0] == path:
            self._unfinished = None
        is_same = kept is not None and kept[:2] == (path, stat)
        snapshot = kept[2] if kept is not None and is_same else snapshot_of(self._take(path, stat))
        batch = read_further(snapshot, cursor, now_ms=self._now_ms(), oldest_first=self._oldest_first)
        if batch.more:
            self._unfinished = path, stat, snapshot
        records = tuple(record for packed in batch.records for record in self._unpacked(packed))
        return msgspec.structs.replace(batch, records=records)

    def stat(self, path: Path) -> FileStat:
        """Returns the size and time of the file with those beside it."""
        return with_others(stamp_of_file(path), self._beside(path))


def stored_session(
    session: StoredFacts,
    messages: Sequence[Any],
    record: Callable[[int, Any], bytes | None] = lambda _, message: bytes(message),
    pieces: Sequence[MarkedPiece] | None = None,
    *,
    at_ms: int = 0,
    empty: bool = True,
) -> Document:
    """Returns a session, begun at `at_ms`, with these messages, its record before them and its facts after them."""

    def begin(on: bool, more: bool) -> bytes:
        return msgspec.json.encode(StoredRecord("begin", session, on=on, more=more, at_ms=at_ms))

    end = msgspec.json.encode(StoredRecord("session", session))
    return Document(session.id, messages, begin, record=record, end=lambda _: end, pieces=pieces, empty=empty)


def complete_lines(path: Path) -> list[bytes]:
    """Returns the lines of a file, without blank ones and without a last one that is only half written.

    Raises FileNotFoundError if the file is gone, OSError if it is too large or cannot be read.
    """
    *lines, last = lines_in(read_document(path))
    return [line for line in (*lines, last if fields_of(last) else b"") if line.strip()]


class _Emitted(msgspec.Struct, array_like=True, frozen=True):
    """The number of emitted pieces of a conversation, and digests of them and of its last state."""

    count: int = 0
    pieces: bytes = b""
    end: bytes = b""


class _State(msgspec.Struct, array_like=True, frozen=True):
    """The cursor. Ids and marks are digests.

    `records`: number of records emitted so far. `marks`: of conversations that were emitted completely. `emitted`:
    progress in the newest conversations and in those that were not emitted completely.
    """

    records: int = 0
    marks: dict[bytes, bytes] = {}
    emitted: dict[bytes, _Emitted] = {}
    notes: dict[str, str] = {}


def read_further(snapshot: Snapshot, cursor: bytes | None, *, now_ms: int, oldest_first: bool = False) -> Batch:
    """Returns what is new since `cursor`, at most about 1 MiB of it, of the conversation that changed last first."""
    unfinished, snapshot.unfinished = snapshot.unfinished, None
    state = state_in(cursor, _State)
    reading = _Reading(state or _State())
    listed = [(_digest(ident), _digest(mark), ident) for ident, mark in snapshot.marks[:MAX_CONVERSATIONS]]
    more = False
    for key, mark, ident in reversed(listed) if oldest_first else listed:
        if reading.marks.get(key) == mark:
            continue
        if more := reading.is_full:
            break
        try:
            is_listed = unfinished is not None and unfinished[0] == ident
            conversation = unfinished[1] if unfinished and is_listed else snapshot.conversation(ident, reading.notes)
        except (TooLarge, TooSlow) as error:
            if more := isinstance(error, TooSlow) and reading.has_news:
                break
            reading.oversized += key not in reading.before.marks
            conversation = None
        if conversation is None or (end := reading.emit(key, conversation)) == "all":
            reading.marks[key] = mark
            reading.has_news = True
            continue
        reading.marks.pop(key, None)
        if more := end == "full":
            snapshot.unfinished = ident, conversation
            break
    there = [key for key, _, _ in listed]
    remembered = {*there[:MAX_EMITTED], *(key for key in there if key not in reading.marks)}
    after = _State(
        records=reading.number,
        marks={key: reading.marks[key] for key in there if key in reading.marks},
        emitted={key: emitted for key, emitted in reading.emitted.items() if key in remembered},
        notes=dict(list(reading.notes.items())[-MAX_NOTES:]),
    )
    return Batch(
        records=tuple(reading.records),
        cursor=msgspec.msgpack.encode(after),
        restarted=cursor is not None and state is None,
        more=more,
        oversized=reading.oversized,
        retry_after_s=max(1.0, (min(reading.due_ms) - now_ms) / 1000 + 1.0) if reading.due_ms else None,
    )


class _Reading(msgspec.Struct):
    before: _State
    number: int = 0
    marks: dict[bytes, bytes] = {}
    emitted: dict[bytes, _Emitted] = {}
    notes: dict[str, str] = {}
    records: list[Record] = []
    used: int = 0
    oversized: int = 0
    due_ms: list[int] = []
    has_news: bool = False

    def __post_init__(self) -> None:
        self.number = self.before.records
        self.marks, self.emitted = dict(self.before.marks), dict(self.before.emitted)
        self.notes = dict(self.before.notes)

    @property
    def is_full(self) -> bool:
        return self.used >= READ_BYTES or len(self.records) >= READ_RECORDS or (self.has_news and is_enough())

    def emit(self, key: bytes, conversation: Document) -> Literal["all", "full", "waits"]:
        """Emits what is new in a conversation, until the batch is full or a piece is not final."""
        former = self.emitted.get(key)
        on = former is not None and former.pieces == conversation.digest_of(former.count)
        count = begin = former.count if former is not None and on else 0
        found: list[bytes] = []
        used = self.used
        waits = False
        while count < conversation.count and used < READ_BYTES and len(self.records) + len(found) < READ_RECORDS:
            if count > begin and is_enough():
                break
            record = None
            try:
                record = conversation.piece(count)
                if record is not None and is_oversized(record):
                    raise TooLarge
            except TooSlow:
                if count > begin:
                    break
                if self.has_news:
                    return "full"
                self.oversized += 1
            except TooLarge:
                self.oversized += 1
                record = None
            except NotYet as error:
                self.due_ms.append(error.due_ms)
                waits = True
                break
            count += 1
            if record is not None:
                used += len(record)
                found.append(record)
        more = count < conversation.count and not waits
        ended: Final = "full" if more else "waits" if waits else "all"
        end = None if more else conversation.end(count)
        after = _Emitted(count, conversation.digest_of(count), b"" if end is None else _digest(end))
        if after == former and on:
            return ended
        self._add(conversation.begin(on=on, more=more), *found, end)
        self.emitted[key] = after
        self.has_news = True
        return ended

    def _add(self, *records: bytes | None) -> None:
        for data in records:
            if data is not None:
                self.number += 1
                self.used += len(data)
                self.records.append(Record(number=self.number, data=data))


def _digest(data: str | bytes) -> bytes:
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else data
    return hashlib.blake2b(raw, digest_size=_DIGEST_BYTES).digest()
