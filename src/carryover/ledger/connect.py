"""Prepares the ledger's file for its writer, opens it read-only for everyone else, and explains errors. Blocks."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

from carryover.errors import ExitCode, UserError
from carryover.fsio import is_empty, open_regular, read_beginning
from carryover.ledger.codec import DamagedBody, TolerantConnection
from carryover.ledger.schema import migrate, newest, refuse_unknown, version_of

_KEPT: Final = "Nothing was lost: what could not be stored is still in the transcripts."
_WHY: Final = {
    sqlite3.SQLITE_FULL: "The disk that holds {path} is full. {kept} Free some space.",
    sqlite3.SQLITE_BUSY: "Another program keeps {path} locked. {kept} Close the program that has it open.",
    sqlite3.SQLITE_LOCKED: "Another program keeps {path} locked. {kept} Close the program that has it open.",
    sqlite3.SQLITE_READONLY: "{path} cannot be written. {kept} Check the rights of the file and its folder.",
    sqlite3.SQLITE_PERM: "{path} cannot be written. {kept} Check the rights of the file and its folder.",
    sqlite3.SQLITE_CANTOPEN: "{path} cannot be opened. {kept} Check the rights of the file and its folder.",
    sqlite3.SQLITE_IOERR: "The disk that holds {path} is full, or damaged. {kept} Free some space, or check the disk.",
}
BUSY_MS: Final = 5000
"""How long the writer's statements wait for another process to release the database."""
_READ_BUSY_MS: Final = 2000
_READ_CACHE_KIB: Final = 4096
_CONTENT: Final = b"content\n"
_C = TypeVar("_C", bound=sqlite3.Connection)
_SETTINGS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA checkpoint_fullfsync = ON",  # on macOS alone: see `Darwin.full_sync`
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA journal_size_limit = 4194304",
    "PRAGMA secure_delete = FAST",
    f"PRAGMA busy_timeout = {BUSY_MS}",
)


class StaleRead(Exception):
    """Another writer has committed the source since it was read. Nothing was stored; read it again."""


class LedgerUnavailable(UserError):
    """The ledger cannot be written now. Nothing is lost: sources keep their positions and are read again."""


class LedgerDamaged(UserError):
    """The ledger's file is damaged. Opening it again moves it aside and saves every row that can still be read."""


def damages_content(error: Exception) -> bool:
    """Whether the error means that a row's content was changed, which SQLite's own checks don't detect."""
    # Text that is not UTF-8 has no error code of SQLite; our functions in SQL fail only for a body that cannot be read.
    if isinstance(error, sqlite3.OperationalError):
        is_undecodable = getattr(error, "sqlite_errorcode", None) is None and "decode to UTF-8" in str(error)
        return is_undecodable or "user-defined function raised exception" in str(error)
    return isinstance(error, DamagedBody)


def ledger_error(error: Exception, path: Path) -> LedgerUnavailable | LedgerDamaged | None:
    """Returns the ledger error for an error of SQLite or of a row's content; None if it is a bug in Carryover."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    # A damaged schema is quoted in SQLite's message, which Python then cannot decode.
    is_message_damaged = isinstance(error, UnicodeDecodeError)
    is_header_damaged = primary == sqlite3.SQLITE_ERROR and "file format" in str(error)  # of the file, or of the index
    is_damaged = primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or is_message_damaged or is_header_damaged
    if is_damaged or damages_content(error):
        return LedgerDamaged(
            f"{path} is damaged; your agents' own files are not. `carryover doctor --fix` has it moved aside, what can "
            "be read of it saved, and the rest read again from the transcripts that still exist."
        )
    why = _WHY.get(primary) if primary is not None else None
    return LedgerUnavailable(why.format(path=path, kept=_KEPT)) if why else None


@contextmanager
def as_ledger_error(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:
        trouble = ledger_error(error, path)
        if trouble is None:
            raise
        raise trouble from error


def prepare_file(path: Path) -> None:
    """Leaves an up-to-date, readable ledger at `path` (mode 0600), whatever was there.

    A damaged file is moved to `<stem>.corrupt-<utc>.sqlite`, and what can be read of it goes into a new ledger, which
    records the incident. Raises UserError if the file was written by a newer program, is not a ledger or is locked, or
    if there is no space or no permission.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_private(path)
        # Closed after a damaged ledger was replaced: closing deletes its log, unless another file has its name.
        with as_ledger_error(path), closing(sqlite3.connect(path, isolation_level=None)) as db:
            if not _migrate_or_detect_damage(db, path):
                _replace_damaged(path)
        damage_mark(path).unlink(missing_ok=True)
    except OSError as error:
        raise LedgerUnavailable(f"{path} cannot be opened: {error.strerror}. Check its folder and the disk.") from error


def damage_mark(path: Path) -> Path:
    """Returns the file that asks the next start to check every page; it has content if a row's content was damaged."""
    return path.with_name(f"{path.name}.damaged")


def is_made(path: Path) -> bool:
    """Whether there is a ledger. A file without content is none: a full disk can leave that of the first start."""
    return path.exists() and not is_empty(path)


def erase_mark(path: Path) -> Path:
    """Returns the empty file that asks the next writer to finish an interrupted erasure of deleted data."""
    return path.with_name(f"{path.name}.erase")


def copies(path: Path) -> list[Path]:
    """Returns the backups that migrations made and the damaged ledgers that were moved aside, with their logs."""
    kinds = ("before-*", "corrupt-*", "salvaged")
    return sorted(found for kind in kinds for found in path.parent.glob(f"{path.stem}.{kind}{path.suffix}*"))


def mark_damaged(path: Path, error: Exception) -> None:
    """Leaves the damage mark for the next start. Raises OSError."""
    mark = damage_mark(path)
    mark.touch(0o600)
    if damages_content(error):
        mark.write_bytes(_CONTENT)


def _make_private(path: Path) -> None:
    os.close(open_regular(path, os.O_CREAT | os.O_RDWR))
    _require_regular(path)
    for part in _parts(path):
        if part.exists() and part.stat().st_mode & 0o077:
            part.chmod(0o600)


def _migrate_or_detect_damage(db: sqlite3.Connection, path: Path) -> bool:
    """Brings the file up to date; returns False if it is damaged."""
    from carryover.ledger.search_index import prepare_index  # not needed by commands that only read
    from carryover.ledger.tombstones import forgotten_file, keep_copy, put_copy

    try:
        use_settings(db)
        refuse_unknown(path, version_of(db), newest())
        mark = damage_mark(path)
        if mark.exists() and _is_damaged(db, mark):
            return False
        migrate(db, path)
        if forgotten_file(path).exists():
            put_copy(db, path)  # the ledger may be new, or an older one that was put back
        elif db.execute("SELECT EXISTS (SELECT 1 FROM forgotten)").fetchone() == (1,):
            with suppress(OSError):  # as on a full disk
                keep_copy(db, path)
        # Damage that SQLite does not detect may be in the index, which takes seconds to rebuild.
        prepare_index(db, afresh=mark.exists())
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if isinstance(ledger_error(error, path), LedgerDamaged):
            return False
        raise
    return True


def _is_damaged(db: sqlite3.Connection, mark: Path) -> bool:
    """Whether the marked file is to be replaced: as the mark says, or as SQLite finds."""
    return read_beginning(mark, 100) == _CONTENT or db.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]


def _replace_damaged(path: Path) -> None:
    """Replaces a damaged ledger. If killed, leaves the damaged one, which is found damaged again, or the new one."""
    from carryover.ledger.salvage import salvage
    from carryover.ledger.search_index import prepare_index
    from carryover.ledger.tombstones import put_copy

    now = datetime.now(UTC)
    aside = path.with_name(f"{path.stem}.corrupt-{now:%Y%m%dT%H%M%S.%fZ}{path.suffix}")
    fresh = path.with_name(f"{path.stem}.salvaged{path.suffix}")
    for leftover in _parts(fresh):
        leftover.unlink(missing_ok=True)
    aside.hardlink_to(path)
    # The log goes with the damaged file: SQLite would replay it into the file beside it.
    for part, target in zip(_parts(path)[1:], _parts(aside)[1:], strict=True):
        with suppress(FileNotFoundError):
            part.rename(target)
    _make_private(fresh)
    with closing(sqlite3.connect(fresh, isolation_level=None)) as db:
        use_settings(db)
        migrate(db, fresh)
        salvage(aside, db, now_ms=int(now.timestamp() * 1000))
        put_copy(db, path)
        prepare_index(db, afresh=True)
    fresh.replace(path)


def use_settings(db: sqlite3.Connection) -> None:
    """Sets up a connection that writes."""
    for setting in _SETTINGS:
        db.execute(setting)


def _parts(path: Path) -> tuple[Path, ...]:
    return tuple(path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm"))


def connect_tolerant(path: Path, *, keep_index: bool = False) -> TolerantConnection:
    """Connects like `connect_read_only`, but skips and counts damaged entries instead of failing."""
    db = _connect_read_only(path, TolerantConnection, keep_index=keep_index)
    # Damaged bytes become surrogates that can't be encoded, so that no body is made of them.
    db.text_factory = lambda stored: stored.decode(errors="surrogateescape")
    return db


def connect_read_only(path: Path, *, keep_index: bool = False) -> sqlite3.Connection:
    """Returns a connection that cannot write. Raises UserError: NOTHING_FOUND without a ledger, REFUSED for a newer
    one.

    `keep_index`: doesn't even update the index of SQLite's log. Only for a process that does not write the ledger:
    SQLite would share the index, and the restriction, with the writer.
    """
    return _connect_read_only(path, sqlite3.Connection, keep_index=keep_index)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Connects like `connect_read_only`; inside the block too, damage and locks raise UserError."""
    with as_ledger_error(path), closing(connect_read_only(path)) as db:
        yield db


@contextmanager
def reading_tolerantly(path: Path, report: Callable[[str], object]) -> Iterator[TolerantConnection]:
    """Connects like `connect_tolerant`. At the end, `report` gets a sentence on what was skipped, if anything was."""
    with as_ledger_error(path), closing(connect_tolerant(path)) as db:
        try:
            yield db
        finally:
            if db.damaged:
                entries = "1 damaged entry" if db.damaged == 1 else f"{db.damaged:,} damaged entries"
                report(
                    f"Left out here: {entries} of the ledger. "
                    "`carryover doctor --fix` reads them again from the transcripts."
                )


def _connect_read_only(path: Path, kind: type[_C], *, keep_index: bool) -> _C:
    if not path.exists():
        raise UserError(
            f"There is no ledger at {path} yet. Run `carryover start`: carryoverd reads what your agents have written.",
            ExitCode.NOTHING_FOUND,
        )
    _require_regular(path)
    # In WAL mode even a reader wants the -wal and -shm files, and SQLite makes them where it can. Without either nobody
    # has the ledger open and everything is in the database itself, so it can be read like a file that never changes.
    in_use = any(path.with_name(path.name + suffix).exists() for suffix in ("-wal", "-shm"))
    with as_ledger_error(path):
        for how in ("mode=ro&readonly_shm=1", "mode=ro")[not keep_index :] if in_use else ():
            try:
                return _checked(path, kind, how)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                    raise
        # Or a crash left a log, in a folder where its index cannot be made: what was checkpointed can be read.
        return _checked(path, kind, "immutable=1")


def _require_regular(path: Path) -> None:
    """Raises LedgerUnavailable if one of the files is a FIFO or a device: SQLite would wait in it for ever."""
    for part in (*_parts(path), path.with_name(f"{path.name}-journal")):
        with suppress(OSError):
            mode = part.stat().st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                raise LedgerUnavailable(f"{part} is not a file. Move it away; what was read is read again.")


def _checked(path: Path, kind: type[_C], how: str) -> _C:
    db = kind(f"file:{quote(str(path))}?{how}", uri=True, isolation_level=None)
    try:
        db.execute(f"PRAGMA busy_timeout = {_READ_BUSY_MS}")
        db.execute(f"PRAGMA cache_size = -{_READ_CACHE_KIB}")
        db.execute("PRAGMA query_only = ON")
        version = version_of(db)
        refuse_unknown(path, version, newest())
        if version < newest():
            raise LedgerUnavailable(f"{path} has not been brought up to date yet. `carryover restart` does that.")
    except BaseException:
        db.close()
        raise
    return db
