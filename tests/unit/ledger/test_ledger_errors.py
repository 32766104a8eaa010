from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from carryover.distill.stored_digest import DigestReducer
from carryover.ledger.connect import LedgerDamaged, LedgerUnavailable, damage_mark, ledger_error
from carryover.ledger.events import session_events
from carryover.ledger.queries import connect_read_only, projects, sessions
from carryover.ledger.selection import Selection
from carryover.ledger.store import Ledger
from carryover.model import UserPrompt
from carryover.publish.project_view import project_view
from support.scribe import AGENT, Scribe

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


def texts(path: Path) -> list[str]:
    """The prompts in the ledger, in order."""
    with closing(connect_read_only(path)) as db:
        [session] = sessions(db, limit=2)
        return sorted(event.body.text for event in session_events(db, session) if isinstance(event.body, UserPrompt))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE event SET body = CAST(x'7b22ff' AS TEXT) WHERE id = 2",
        "UPDATE event SET body = replace(body, '{', '[') WHERE id = 2",
        "UPDATE session SET native_id = CAST(x'73ff31' AS TEXT)",
    ],
    ids=["text of an event", "JSON of an event", "id of a session"],
)
async def test_damage_that_no_check_of_pages_finds_is_mended_at_the_next_start(
    change: str, ledger_path: Path, scribe_of: type[Scribe]
) -> None:
    ledger = await Ledger.open(ledger_path, DigestReducer())
    scribe = scribe_of(ledger)
    history = [scribe.event(f"prompt {n}") for n in range(5)]
    await scribe.tell(*history)
    await ledger.close()
    with closing(sqlite3.connect(ledger_path)) as db, db:
        db.execute(change)
        db.execute("UPDATE thread SET fold_version = 1")

    ledger = await Ledger.open(ledger_path, DigestReducer())
    with pytest.raises(LedgerDamaged):
        await _use(ledger, ledger_path)
    with suppress(LedgerUnavailable):  # the error still holds the statement that failed
        await ledger.close()

    mended = await Ledger.open(ledger_path, DigestReducer())
    await scribe_of(mended).tell(*history)
    await _use(mended, ledger_path)
    await mended.close()
    assert not damage_mark(ledger_path).exists()
    assert texts(ledger_path) == [f"prompt {n}" for n in range(5)]


async def test_damage_that_is_found_in_what_is_to_be_forgotten_is_mended_too(
    ledger: Ledger, scribe: Scribe, ledger_path: Path
) -> None:
    await scribe.tell("add a parser")
    with closing(sqlite3.connect(ledger_path)) as db, db:
        db.execute("UPDATE event SET body = replace(body, '{', '[')")

    with pytest.raises(LedgerDamaged):
        await ledger.forget(Selection(agent=AGENT, session="s1"), now_ms=10**9)

    assert damage_mark(ledger_path).exists()


async def _use(ledger: Ledger, path: Path) -> None:
    """As the daemon does: rebuild digests, and read what is published."""
    while await ledger.rebuild_outdated():
        pass
    try:
        with closing(connect_read_only(path)) as db:
            for project in projects(db):
                project_view(db, project.id)
    except Exception as error:
        await ledger.report(error)
        raise


async def test_an_error_that_is_no_damage_is_left_to_the_reader(ledger: Ledger, ledger_path: Path) -> None:
    await ledger.report(ValueError("other"))
    await ledger.report(sqlite3.OperationalError("no such table: x"))

    assert not damage_mark(ledger_path).exists()
