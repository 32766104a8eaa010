"""The ledger's errors, with messages that a person can act on, and a connection that skips damaged entries."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

import msgspec

from carryover.errors import UserError


class StaleRead(Exception):
    """Another writer has committed the source since it was read. Nothing was stored; read it again."""


class LedgerUnavailable(UserError):
    """The ledger cannot be written now. Nothing is lost: sources keep their positions and are read again."""


class LedgerDamaged(UserError):
    """The ledger's file is damaged. Opening it again moves it aside and saves every row that can still be read."""


class DamagedBody(msgspec.DecodeError):
    """A stored body is not one that Carryover wrote."""


class TolerantConnection(sqlite3.Connection):
    """A connection that skips damaged entries, for commands. The daemon has the ledger repaired instead."""

    damaged = 0
    """How many entries with a damaged body were skipped."""


_KEPT: Final = "Nothing was lost: what could not be stored is read again from the transcripts."

_WHY: Final = {
    sqlite3.SQLITE_FULL: "The disk that holds {path} is full. {kept} Free some space.",
    sqlite3.SQLITE_BUSY: "Another program keeps {path} locked. {kept} Close the program that has it open.",
    sqlite3.SQLITE_LOCKED: "Another program keeps {path} locked. {kept} Close the program that has it open.",
    sqlite3.SQLITE_READONLY: "{path} cannot be written. {kept} Check the rights of the file and its folder.",
    sqlite3.SQLITE_PERM: "{path} cannot be written. {kept} Check the rights of the file and its folder.",
    sqlite3.SQLITE_CANTOPEN: "{path} cannot be opened. {kept} Check the rights of the file and its folder.",
    sqlite3.SQLITE_IOERR: "The disk that holds {path} reports errors. {kept} Check that it has space and is healthy.",
}


def damages_content(error: Exception) -> bool:
    """Whether the error means that a row's content was changed, which SQLite's own checks don't detect.

    Python's sqlite3 reports text that is not UTF-8 without an SQLite error code. Our functions in SQL fail only for a
    body that cannot be read.
    """
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
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or is_message_damaged or damages_content(error):
        return LedgerDamaged(
            f"{path} is damaged. It is moved aside and what can be read is saved at the next start of carryoverd.",
        )
    why = _WHY.get(primary) if primary is not None else None
    return LedgerUnavailable(why.format(path=path, kept=_KEPT)) if why else None
