from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from carryover.ledger.ledger_errors import LedgerDamaged, LedgerUnavailable, ledger_error

PATH = Path("/state/ledger.sqlite")


def error(code: int) -> sqlite3.Error:
    made = sqlite3.OperationalError("SQLite's own words")
    made.sqlite_errorcode = code
    return made


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [
        (sqlite3.SQLITE_FULL, LedgerUnavailable, "full"),
        (sqlite3.SQLITE_BUSY, LedgerUnavailable, "locked"),
        (sqlite3.SQLITE_READONLY_DBMOVED, LedgerUnavailable, "cannot be written"),
        (sqlite3.SQLITE_IOERR_WRITE, LedgerUnavailable, "reports errors"),
        (sqlite3.SQLITE_CORRUPT_INDEX, LedgerDamaged, "damaged"),
        (sqlite3.SQLITE_NOTADB, LedgerDamaged, "damaged"),
    ],
)
def test_each_trouble_names_the_file_and_what_to_do(code: int, kind: type[Exception], says: str) -> None:
    trouble = ledger_error(error(code), PATH)

    assert type(trouble) is kind
    assert str(PATH) in str(trouble)
    assert says in str(trouble)


def test_a_fault_of_the_program_is_no_trouble_of_the_ledger() -> None:
    assert ledger_error(error(sqlite3.SQLITE_ERROR), PATH) is None
    assert ledger_error(sqlite3.ProgrammingError("closed"), PATH) is None
