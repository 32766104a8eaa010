"""Reads another program's SQLite database without affecting that program.

Nothing is created, changed or locked against its owner. With a WAL, the database is read through the owner's own WAL
index (`readonly_shm`: SQLite would otherwise write its marks there), so the owner's commits are seen and never wait for
us. Without one, it is read as if there were no writer (`immutable`), and the result is discarded if there was one.
Tested with SQLite 3.40.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sqlite3
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, TypeVar
from urllib.parse import quote

import msgspec

from carryover.adapter.contract import Batch, FileStat
from carryover.clock import utc_now_ms
from carryover.fsio import scratch_folder, stat_regular
from carryover.transcript.bounds import LOOK_BYTES, LOOK_S, MOST_ROWS_BYTES, TooLarge, TooSlow
from carryover.transcript.files import with_others
from carryover.transcript.rewritten import Snapshot, Taken, read_further, snapshot_of
from carryover.transcript.stat_cache import StatCachedReader, has_rested

BUSY_S: Final = 0.25
COPY_BYTES: Final = 64 << 20
"""A database whose WAL has lost its index is read from a private copy, if both together are no larger than this."""
TRIES: Final = 3
LONGEST_VALUE: Final = 8 << 20
"""Bytes of a text or blob above which nothing is read, unless `value_at` is asked for more."""
_ROW_BYTES: Final = 64
_VALUE_BYTES: Final = 40
"""What Python needs for a row and for a value, beside the text or blob itself."""
_HEAP_BYTES: Final = 512 << 20
"""Memory that SQLite may take in this process once another program's database was opened. Of views of views, a
statement takes gigabytes before it is a query, of which nothing is reported until then. More than the ledger takes,
since a process can only lower it."""
_STEPS: Final = 20_000
"""Instructions of SQLite between two checks of the time: about a millisecond."""
_COMPUTED: Final = """SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND (rootpage = 0 OR EXISTS
    (SELECT 1 FROM pragma_table_xinfo(sqlite_master.name) WHERE hidden IN (2, 3)))"""
"""Views, virtual tables, and tables with a generated column."""
_WAL_HEAD: Final = struct.Struct(">8I")
_WAL_MAGIC: Final = 0x377F0683
_COUNTER_AT: Final = 24
_SHARED_AT: Final = 0x40000002
_SHARED_BYTES: Final = 510
"""Byte range of SQLite's shared lock."""


class Connection(Protocol):
    """What is asked of a database."""

    def execute(self, sql: str, parameters: Any = ..., /) -> sqlite3.Cursor:
        """Runs a query."""
        ...

    def setlimit(self, category: int, limit: int, /) -> int:
        """Changes a limit of SQLite's, and returns the former one."""
        ...


_T = TypeVar("_T")
Columns = tuple[Any, ...]
"""A row, in the order that its query names the columns."""


class ChangedWhileReading(OSError):
    """Another program wrote while the database was read without a WAL, so the result may be torn."""


_REASONS: Final = {
    "SQLITE_ERROR": (errno.EINVAL, "cannot be read now (SQLITE_ERROR)"),  # a column that is not there
    "SQLITE_AUTH": (errno.EINVAL, "has no ordinary tables where its agent keeps them"),
    "SQLITE_INTERRUPT": (errno.EFBIG, f"takes longer to read than {LOOK_S:.0f} s"),
    "MemoryError": (errno.EFBIG, "takes more memory than is read at once"),
}
"""Errors of SQLite that another try does not end: the error to raise, and why in words."""


def read_database(path: Path, work: Callable[[sqlite3.Connection], _T]) -> _T:
    """Returns the result of `work` on the database, repeating it if the database changed meanwhile.

    Raises as `read_transaction` does.
    """
    for _ in range(TRIES - 1):
        with suppress(ChangedWhileReading):
            return _once(path, work)
    return _once(path, work)


def database_reader(
    take: Callable[[Connection, Path, int], Taken],
    now_ms: Callable[[], int] = utc_now_ms,
    *,
    beside: Callable[[Path], Iterable[Path]] = lambda _: (),
) -> StatCachedReader:
    """Returns the reader of a database that holds conversations, which opens it only if it may have changed. `take`:
    connection, path and the time (UTC ms) → its snapshot, or its one conversation. `beside`: the files whose change is
    a change of it. Raises as `read_transaction` does."""

    def stamp(path: Path) -> FileStat:
        return with_others(stat(path), beside(path))

    return StatCachedReader(_Snapshots(take, stamp, now_ms).read, stamp, now_ms)


class _Look:
    """A database in the look that is taken now: what was listed in one look is read in the next, too."""

    def __init__(self, db: Connection) -> None:
        self.take(db)

    def take(self, db: Connection) -> None:
        self.execute, self.setlimit = db.execute, db.setlimit


class _Kept(NamedTuple):
    path: Path
    stamp: FileStat
    look: _Look
    snapshot: Snapshot


class _Snapshots:
    """Reads snapshots of databases. One of which a part is still to be emitted is kept until its database changes,
    unless something in it waits: each batch would list all messages of a long session."""

    def __init__(
        self,
        take: Callable[[Connection, Path, int], Taken],
        stamp: Callable[[Path], FileStat],
        now_ms: Callable[[], int],
    ) -> None:
        self._take, self._stamp, self._now_ms = take, stamp, now_ms
        self._unfinished: _Kept | None = None

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Returns what is new since `cursor`. Raises as `read_transaction` does."""
        at_ms = self._now_ms()
        before = self._stamp(path)
        unfinished = self._unfinished
        if unfinished is not None and unfinished.path == path:
            self._unfinished = None

        def work(db: sqlite3.Connection) -> tuple[Batch, _Kept]:
            nonlocal unfinished
            kept, unfinished = unfinished, None  # what a try that failed has read may be torn
            # Compared once the transaction has begun: it sees nothing that is written later.
            if kept is None or (kept.path, kept.stamp) != (path, self._stamp(path)):
                look = _Look(db)
                kept = _Kept(path, before, look, snapshot_of(self._take(look, path, at_ms)))
            kept.look.take(db)
            return read_further(kept.snapshot, cursor, now_ms=at_ms), kept

        batch, kept = read_database(path, work)
        if batch.more and batch.retry_after_s is None and has_rested(kept.stamp, at_ms):
            self._unfinished = kept
        return batch


def table_names(path: Path) -> frozenset[str]:
    """Returns the names of the tables in a database; empty if it can't be read."""
    try:
        return read_database(path, tables)
    except OSError:
        return frozenset()


def _once(path: Path, work: Callable[[sqlite3.Connection], _T]) -> _T:
    with read_transaction(path) as db:
        return work(db)


@contextmanager
def read_transaction(path: Path, *, look_s: float = LOOK_S) -> Iterator[sqlite3.Connection]:
    """Yields a connection inside one read transaction, whose queries may take `look_s` processor seconds together.

    Text is returned as bytes, since it need not be UTF-8.

    Raises FileNotFoundError when there is no such file, and OSError whenever the read should be tried again later: a
    busy or damaged database, one that changed meanwhile (ChangedWhileReading, at the end), any SQLite error in the
    body, such as that of a value longer than `LONGEST_VALUE`. Keep it short: the owner's checkpoint can't go past what
    is being read.
    """
    before = _file_state(path)
    if before.journal:
        raise OSError(errno.EAGAIN, "the database is in the middle of a change", str(path))
    live = before.wal > 0 and before.shm
    try:
        if live:
            with _wal_held(path), _transaction(path, "mode=ro&readonly_shm=1", look_s) as db:
                yield db
        elif before.wal and before.size + before.wal <= COPY_BYTES:
            with _copied(path) as copy, _transaction(copy, "mode=rw", look_s) as db:
                shutil.rmtree(copy.parent)  # what is open can still be read, and nothing stays if we are killed
                yield db
        else:
            with _transaction(path, "mode=ro&immutable=1", look_s) as db:
                yield db
    # Undecodable is SQLite's message where it quotes a damaged schema.
    except (sqlite3.Error, MemoryError, UnicodeDecodeError) as error:
        if not live:
            _expect_unchanged(path, before)
        code, why = _REASONS.get(_name_of(error), (errno.EAGAIN, f"cannot be read now ({_name_of(error)})"))
        raise OSError(code, f"the database {why}", str(path)) from error
    if not live:
        _expect_unchanged(path, before)


def stat(path: Path) -> FileStat:
    """Returns the size and time of a database and its WAL, where changes may stay for long.

    Raises as `read_transaction` does.
    """
    status = stat_regular(path)
    wal = None
    with suppress(OSError):  # an unreadable file must still be found, so that reading it reports the reason
        wal = _status(f"{path}-wal")
    if wal is None or not wal.st_size:
        return FileStat(status.st_size, status.st_mtime_ns)
    return FileStat(status.st_size + wal.st_size, max(status.st_mtime_ns, wal.st_mtime_ns))


def value_at(db: Connection, query: str, key: str, *, limit: int = LONGEST_VALUE) -> bytes | None:
    """Returns the text or blob that `query` finds for `key`; None if there is none.

    Raises TooLarge above `limit` bytes.
    """
    former = db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limit)
    try:
        found = rows(db, query, (key,))
    finally:
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, former)
    return found[0][0] if found and isinstance(found[0][0], bytes) else None


def rows(
    db: Connection, query: str, parameters: tuple[object, ...] = (), *, most: int = MOST_ROWS_BYTES
) -> list[Columns]:
    """Returns what `query` finds.

    Raises TooLarge if that has a value longer than `LONGEST_VALUE`, or takes more than `most` bytes of memory; TooSlow.
    """
    found: list[Columns] = []
    left = most
    try:
        for row in db.execute(query, parameters):
            left -= _ROW_BYTES + _VALUE_BYTES * len(row)
            for value in row:
                if type(value) is bytes:
                    left -= len(value)
            if left < 0:
                raise TooLarge
            found.append(row)
    except sqlite3.DataError as error:
        raise TooLarge("a value is longer than is read at once") from error
    except sqlite3.OperationalError as error:
        if _name_of(error) == "SQLITE_INTERRUPT":
            raise TooSlow from error
        raise
    return found


def row(db: Connection, query: str, key: object) -> Columns:
    """Returns the row that `query` finds for `key`. Raises as `rows` does, and sqlite3.DatabaseError without one: the
    index of a damaged database can name a row that is gone."""
    if found := rows(db, query, (key,)):
        return found[0]
    missing = sqlite3.DatabaseError("a row that an index names is gone")
    missing.sqlite_errorname = "SQLITE_CORRUPT"
    raise missing


def messages_of(db: Connection, query: str, parameters: tuple[object, ...]) -> list[Columns]:
    """Returns the rows of one conversation's messages, without what they say: as much as a document may take, since one
    that is continued for months has tens of thousands of them. Raises as `rows` does."""
    return rows(db, query, parameters, most=LOOK_BYTES)


def in_memory(tables: str) -> sqlite3.Connection:
    """Returns a new database in memory with the tables that these statements create. Any thread may use it."""
    db = sqlite3.connect(":memory:", check_same_thread=False)
    db.text_factory = bytes
    db.executescript(tables)
    return db


def column_text(value: object) -> str:
    """Returns a column's text, whether stored as text or as a blob; empty for anything else."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


def tables(db: Connection) -> frozenset[str]:
    """Returns the names of the database's tables."""
    found = rows(db, "SELECT name FROM sqlite_master WHERE type = 'table'")
    return frozenset(column_text(name) for (name,) in found)


def has_column(db: Connection, table: str, column: str) -> bool:
    """Whether a table has a column: versions of a database differ in them, and databases of other programs do."""
    return bool(rows(db, "SELECT 1 FROM pragma_table_info(?) WHERE name = ?", (table, column)))


@contextmanager
def _wal_held(path: Path) -> Iterator[None]:
    """Keeps the WAL in place: SQLite would create an empty one if it found none, even when reading.

    This takes SQLite's own shared lock: a program that quits leaves the WAL in place while anyone holds it.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB, _SHARED_BYTES, _SHARED_AT)
        except OSError as error:
            raise OSError(errno.EAGAIN, "the database is locked", str(path)) from error
        status = os.fstat(descriptor)
        there = stat_regular(path)
        if (status.st_dev, status.st_ino) != (there.st_dev, there.st_ino) or _status(f"{path}-wal") is None:
            raise ChangedWhileReading(errno.EAGAIN, "the database changed meanwhile", str(path))
        yield
    finally:
        os.close(descriptor)  # after SQLite's own: closing it releases all locks that we have on the file


@contextmanager
def _transaction(path: Path, how: str, look_s: float) -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True, timeout=BUSY_S, isolation_level=None)
    try:
        db.text_factory = bytes
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
        until_s = time.thread_time() + look_s
        db.set_progress_handler(lambda: time.thread_time() > until_s, _STEPS)
        db.execute(f"PRAGMA hard_heap_limit = {_HEAP_BYTES}")
        db.execute("PRAGMA query_only = 1")
        db.execute("PRAGMA cell_size_check = 1")
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()  # takes the snapshot
        db.set_authorizer(_without(frozenset(column_text(name) for (name,) in rows(db, _COMPUTED))))
        yield db
    finally:
        db.close()


def _without(computed: frozenset[str]) -> Callable[..., int]:
    """Returns an authorizer that refuses to read these tables: what they contain is computed, and may have no end.

    The pragma `trusted_schema`, which takes functions out of a schema, would refuse Kilo 7.7.9's own: an index of
    it uses `json_extract`.
    """

    def authorize(action: int, table: str | None, _column: str | None, _schema: str | None, view: str | None) -> int:
        is_computed = view in computed or (action == sqlite3.SQLITE_READ and table in computed)
        return sqlite3.SQLITE_DENY if is_computed else sqlite3.SQLITE_OK

    return authorize


class _FileState(msgspec.Struct, frozen=True):
    """The state of a database's files. If two are equal, nothing was written in between."""

    identity: tuple[int, int]
    size: int
    mtime_ns: int
    counter: bytes
    """SQLite's own change counter: two changes may fall into one tick of the file system's clock."""
    wal: int
    """Size of the WAL, 0 without one, or if it does not begin like one: then SQLite takes it for empty."""
    wal_mtime_ns: int
    shm: bool
    journal: int
    """Size of the rollback journal, which exists while a transaction is being written."""


def _file_state(path: Path) -> _FileState:
    status = stat_regular(path)
    wal = _status(f"{path}-wal")
    journal = _status(f"{path}-journal")
    has_wal = False
    with suppress(FileNotFoundError):  # removed in between, which another look will notice
        has_wal = wal is not None and _begins_wal(_bytes_at(Path(f"{path}-wal"), 0, _WAL_HEAD.size))
    return _FileState(
        identity=(status.st_dev, status.st_ino),
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        # Closing a file releases all our locks on it, so this is not done while locks are held.
        counter=b"" if has_wal else _bytes_at(path, _COUNTER_AT, 4),
        wal=wal.st_size if wal is not None and has_wal else 0,
        wal_mtime_ns=wal.st_mtime_ns if wal is not None else 0,
        shm=_status(f"{path}-shm") is not None,
        journal=journal.st_size if journal is not None else 0,
    )


def _expect_unchanged(path: Path, before: _FileState) -> None:
    if _file_state(path) != before:
        raise ChangedWhileReading(errno.EAGAIN, "the database changed meanwhile", str(path))


def _status(path: str) -> os.stat_result | None:
    """Returns the status of a file that SQLite may open beside the database; None if there is none. Raises OSError.

    SQLite waits forever on a FIFO or on a disk that does not answer, and while it opens a file, no other thread of the
    process can open any database. So each of these files is checked first."""
    with suppress(FileNotFoundError):
        return stat_regular(path)
    return None


def _bytes_at(path: Path, offset: int, length: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        return os.pread(descriptor, length, offset)
    finally:
        os.close(descriptor)


def _begins_wal(head: bytes) -> bool:
    """Whether a WAL begins with a header. Beside an index, SQLite waits for the right one for 10 s (3.40)."""
    if len(head) < _WAL_HEAD.size:
        return False
    magic, *_, first, second = _WAL_HEAD.unpack(head)
    words = struct.unpack(f"{'>' if magic & 1 else '<'}6I", head[:24])
    sums = [0, 0]
    for at, word in enumerate(words):
        sums[at % 2] = (sums[0] + sums[1] + word) & 0xFFFFFFFF
    return magic | 1 == _WAL_MAGIC and sums == [first, second]


def _name_of(error: Exception) -> str:
    return getattr(error, "sqlite_errorname", None) or type(error).__name__


@contextmanager
def _copied(path: Path) -> Iterator[Path]:
    """Yields a copy of a database and its WAL that no other user can read."""
    with scratch_folder() as folder:
        copy = folder / "copy"
        shutil.copyfile(path, copy)
        shutil.copyfile(f"{path}-wal", f"{copy}-wal")
        yield copy
