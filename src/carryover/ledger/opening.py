"""Opening the ledger's file: made private, brought up to date, or moved aside and salvaged. Blocking."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from carryover.ledger.salvage import salvage
from carryover.ledger.schema import migrate
from carryover.ledger.trouble import LedgerDamaged, LedgerUnavailable, ledger_trouble

BUSY_MS: Final = 5000
"""How long a statement waits for another process to let go of the database."""

SETTINGS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA journal_size_limit = 4194304",
    f"PRAGMA busy_timeout = {BUSY_MS}",
)


def ready_file(path: Path) -> None:
    """Leave an up-to-date, readable ledger at `path` (mode 0600), whatever was there.

    A damaged file is moved to `<stem>.corrupt-<utc>.sqlite` and what can be read of it goes into a new ledger, where an
    incident tells of it. Raises UserError: written by a newer program, not a ledger, locked, no space, no right.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_private(path)
        if not _bring_up_to_date(path):
            _start_anew(path)
        damage_mark(path).unlink(missing_ok=True)
    except sqlite3.Error as error:
        trouble = ledger_trouble(error, path)
        if trouble is None:
            raise
        raise trouble from error
    except OSError as error:
        raise LedgerUnavailable(f"{path} cannot be opened: {error.strerror}. Check its folder and the disk.") from error


def damage_mark(path: Path) -> Path:
    """The empty file that asks the next start to check every page: damage was met while the ledger was in use."""
    return path.with_name(f"{path.name}.damaged")


def _make_private(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    for part in _parts(path):
        if part.exists() and part.stat().st_mode & 0o077:
            part.chmod(0o600)


def _bring_up_to_date(path: Path) -> bool:
    """False where the file is damaged."""
    try:
        with closing(_connect(path)) as db:
            if damage_mark(path).exists() and db.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]:
                return False
            migrate(db, path)
    except sqlite3.DatabaseError as error:
        if isinstance(ledger_trouble(error, path), LedgerDamaged):
            return False
        raise
    return True


def _start_anew(path: Path) -> None:
    """Killed at any moment, this leaves either the damaged ledger, found damaged again, or the finished new one."""
    now = datetime.now(UTC)
    aside = path.with_name(f"{path.stem}.corrupt-{now:%Y%m%dT%H%M%S.%fZ}{path.suffix}")
    fresh = path.with_name(f"{path.stem}.salvaged{path.suffix}")
    for leftover in _parts(fresh):
        leftover.unlink(missing_ok=True)
    aside.hardlink_to(path)
    # The log goes with the damaged file: SQLite would replay it into whatever lies beside it.
    for part, target in zip(_parts(path)[1:], _parts(aside)[1:], strict=True):
        with suppress(FileNotFoundError):
            part.rename(target)
    _make_private(fresh)
    with closing(_connect(fresh)) as db:
        migrate(db, fresh)
        salvage(aside, db, now_ms=int(now.timestamp() * 1000))
    fresh.replace(path)


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    for setting in SETTINGS:
        db.execute(setting)
    return db


def _parts(path: Path) -> tuple[Path, ...]:
    """The database and the files SQLite keeps beside it."""
    return tuple(path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm"))
