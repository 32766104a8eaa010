"""What can go wrong with the ledger, in messages that a person can act on."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from carryover.errors import UserError


class StaleRead(Exception):
    """Another writer committed the source since it was read; nothing was stored. Read it again."""


class LedgerUnavailable(UserError):
    """The ledger cannot be written now. Nothing was lost: sources stay where they were and are read again."""


class LedgerDamaged(UserError):
    """The ledger's file is damaged. Opening it again moves it aside and saves every row that can still be read."""


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


def ledger_error(error: sqlite3.Error, path: Path) -> LedgerUnavailable | LedgerDamaged | None:
    """The ledger's error for an error of SQLite; None if it is a bug in Carryover."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return LedgerDamaged(
            f"{path} is damaged. It is moved aside and what can be read is saved at the next start of carryoverd.",
        )
    why = _WHY.get(primary) if primary is not None else None
    return LedgerUnavailable(why.format(path=path, kept=_KEPT)) if why else None
