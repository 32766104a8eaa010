"""Connections that only read the ledger: they change nothing and leave no file behind. Blocking."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final
from urllib.parse import quote

from carryover.errors import ExitCode, UserError
from carryover.ledger.schema import MIGRATIONS, newer_than_program, version_of
from carryover.ledger.trouble import LedgerUnavailable, ledger_trouble

_BUSY_MS: Final = 2000
_CACHE_KIB: Final = 4096


def connect_read_only(path: Path, *, keep_index: bool = False) -> sqlite3.Connection:
    """A connection that cannot write. Raises UserError: NOTHING_FOUND without a ledger, REFUSED for a newer one.

    `keep_index`: not even the index of SQLite's log is brought up to date. Only for a process that does not write the
    ledger: SQLite would share the index, and that it may not be written, with the writer.
    """
    if not path.exists():
        raise UserError(
            f"There is no ledger at {path} yet. Start carryoverd once; it reads what your agents have written.",
            ExitCode.NOTHING_FOUND,
        )
    try:
        db = _open(path, keep_index)
    except sqlite3.Error as error:
        trouble = ledger_trouble(error, path)
        if trouble is None:
            raise
        raise trouble from error
    return db


def _open(path: Path, keep_index: bool) -> sqlite3.Connection:
    # In WAL mode even a reader wants the -wal and -shm files, and SQLite makes them where it can. Without either nobody
    # has the ledger open and everything is in the database itself, so it can be read like a file that never changes.
    in_use = any(path.with_name(path.name + suffix).exists() for suffix in ("-wal", "-shm"))
    for how in ("mode=ro&readonly_shm=1", "mode=ro")[not keep_index :] if in_use else ():
        try:
            return _checked(path, how)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise
    # Or a crash left a log, in a folder where its index cannot be made: what was checkpointed can be read.
    return _checked(path, "immutable=1")


def _checked(path: Path, how: str) -> sqlite3.Connection:
    db = sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True, isolation_level=None)
    try:
        db.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        db.execute("PRAGMA query_only = ON")
        _check_version(version_of(db), path)
    except BaseException:
        db.close()
        raise
    return db


def _check_version(version: int, path: Path) -> None:
    if version > len(MIGRATIONS):
        raise newer_than_program(path, version, len(MIGRATIONS))
    if version < len(MIGRATIONS):
        raise LedgerUnavailable(f"{path} has not been brought up to date yet. Start carryoverd once; it does that.")
