from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from carryover.distill.stored_digest import DigestReducer
from carryover.errors import UserError
from carryover.ledger.connect import (
    LedgerDamaged,
    LedgerUnavailable,
    connect_read_only,
    damage_mark,
    ledger_error,
    prepare_file,
)
from carryover.ledger.events import session_events
from carryover.ledger.queries import Selection, projects, sessions, totals
from carryover.ledger.schema import MIGRATIONS, version_of
from carryover.ledger.store import Ledger
from carryover.model import UserPrompt
from carryover.publish.project_view import project_view
from support.scribe import AGENT, Scribe


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.sqlite"


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return version_of(db)


def incidents(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return [text for (text,) in db.execute("SELECT text FROM incident")]


def moved_aside(path: Path) -> list[Path]:
    return sorted(path.parent.glob("ledger.corrupt-*.sqlite"))


def test_a_ledger_that_others_could_read_is_made_private(path: Path) -> None:
    prepare_file(path)
    path.chmod(0o644)

    prepare_file(path)

    assert oct(path.stat().st_mode & 0o777) == "0o600"


def test_a_file_that_is_no_database_is_moved_aside_and_reported(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is not a database at all " * 200)

    prepare_file(path)

    (aside,) = moved_aside(path)
    assert aside.read_bytes().startswith(b"this is not a database")
    assert incidents(path) == [
        f"The ledger was damaged. It was moved to {aside.name}; 0 events could be saved from it."
    ]
    assert sorted(file.name for file in path.parent.iterdir()) == sorted([aside.name, "ledger.sqlite"])


def test_a_log_that_belongs_to_the_damaged_file_is_not_played_into_the_new_one(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE kept (a)")
        db.execute("INSERT INTO kept VALUES (1)")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("UPDATE kept SET a = 2")
        log = path.with_name("ledger.sqlite-wal").read_bytes()
    path.write_bytes(b"this is not a database at all " * 200)
    path.with_name("ledger.sqlite-wal").write_bytes(log)

    prepare_file(path)

    (aside,) = moved_aside(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert aside.with_name(aside.name + "-wal").read_bytes() == log


def test_a_salvage_that_was_cut_short_is_done_again(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is not a database at all " * 200)
    path.with_name("ledger.salvaged.sqlite").write_bytes(b"half of a ledger")
    path.with_name("ledger.corrupt-20250101T000000.000000Z.sqlite").hardlink_to(path)

    prepare_file(path)

    assert version(path) == len(MIGRATIONS)
    assert not path.with_name("ledger.salvaged.sqlite").exists()
    assert len(moved_aside(path)) == 2


def test_a_folder_in_the_ledgers_place_is_reported_clearly(path: Path) -> None:
    path.mkdir(parents=True)

    with pytest.raises(LedgerUnavailable, match="cannot be opened: Is a directory"):
        prepare_file(path)


def state_of(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Everything about the files of a folder that reading could have changed."""
    found = {file.name: file.stat() for file in folder.iterdir()}
    return {name: (each.st_ino, each.st_size, each.st_mtime_ns) for name, each in found.items()}


async def stopped(path: Path, scribe_of: type[Scribe]) -> None:
    """A ledger whose daemon was stopped in good order."""
    ledger = await Ledger.open(path, DigestReducer())
    await scribe_of(ledger).tell("hello")
    await ledger.close()


async def killed(path: Path, scribe_of: type[Scribe]) -> None:
    """What a daemon leaves that was killed: the database, its log, and the log's index."""
    living = path.with_name("living.sqlite")
    ledger = await Ledger.open(living, DigestReducer())
    await scribe_of(ledger).tell("hello")
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).write_bytes(living.with_name(living.name + suffix).read_bytes())
    await ledger.close()
    living.unlink()


async def test_reading_a_ledger_nobody_has_open_leaves_every_file_as_it_was(
    ledger_path: Path, scribe_of: type[Scribe]
) -> None:
    await stopped(ledger_path, scribe_of)
    before = state_of(ledger_path.parent)

    with closing(connect_read_only(ledger_path)) as db:
        assert totals(db).events == 1

    assert state_of(ledger_path.parent) == before


async def test_reading_beside_a_writer_sees_what_was_committed_and_makes_no_file(
    ledger_path: Path, scribe: Scribe
) -> None:
    await scribe.tell("hello")
    before = set(state_of(ledger_path.parent))

    with closing(connect_read_only(ledger_path)) as db:
        first = totals(db).events
        await scribe.tell("again")
        second = totals(db).events

    assert (first, second) == (1, 2)
    assert set(state_of(ledger_path.parent)) == before


async def test_after_a_killed_writer_not_a_byte_need_change(ledger_path: Path, scribe_of: type[Scribe]) -> None:
    ledger_path.parent.mkdir()
    await killed(ledger_path, scribe_of)
    before = {file.name: file.read_bytes() for file in ledger_path.parent.iterdir()}

    with closing(connect_read_only(ledger_path, keep_index=True)) as db:
        assert totals(db).events == 1

    assert {file.name: file.read_bytes() for file in ledger_path.parent.iterdir()} == before


async def test_where_the_logs_index_cannot_be_made_the_database_itself_is_read(
    ledger_path: Path, scribe_of: type[Scribe]
) -> None:
    """So it is in a folder that cannot be written; here something else stands in the index's place."""
    await stopped(ledger_path, scribe_of)
    ledger_path.with_name("ledger.sqlite-shm").mkdir()

    with closing(connect_read_only(ledger_path)) as db:
        assert [row.native_id for row in sessions(db, limit=2)] == ["s1"]


async def test_nothing_can_be_written_through_it(ledger_path: Path, scribe: Scribe) -> None:
    await scribe.tell("hello")

    with closing(connect_read_only(ledger_path)) as db, pytest.raises(sqlite3.OperationalError):
        db.execute("DELETE FROM event")


@pytest.mark.parametrize(
    ("version", "kind", "message"),
    [
        (len(MIGRATIONS) + 1, UserError, "written by a newer Carryover"),
        (0, LedgerUnavailable, "has not been brought up to date yet"),
    ],
)
async def test_a_ledger_of_another_version_is_refused_with_what_to_do(
    ledger_path: Path, scribe_of: type[Scribe], version: int, kind: type[UserError], message: str
) -> None:
    await stopped(ledger_path, scribe_of)
    with closing(sqlite3.connect(ledger_path)) as db:
        db.execute(f"PRAGMA user_version = {version}")

    with pytest.raises(kind, match=message):
        connect_read_only(ledger_path)


async def test_the_refusal_of_a_newer_ledger_names_the_copy_of_before(
    ledger_path: Path, scribe_of: type[Scribe]
) -> None:
    await stopped(ledger_path, scribe_of)
    with closing(sqlite3.connect(ledger_path)) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    copy = ledger_path.with_name(f"{ledger_path.stem}.before-{len(MIGRATIONS) + 1}{ledger_path.suffix}")
    copy.touch()

    with pytest.raises(UserError, match=f"To go back, move it away and rename {copy.name} to {ledger_path.name}"):
        connect_read_only(ledger_path)


def test_a_schema_whose_text_is_damaged_is_replaced(path: Path) -> None:
    """SQLite quotes it in an error message, which Python cannot decode."""
    prepare_file(path)
    path.write_bytes(path.read_bytes().replace(b"tablethreadthread", b"tablet\xdd eadthread"))
    with pytest.raises(UserError, match="is damaged"), closing(connect_read_only(path)) as db:
        db.execute("SELECT * FROM project")

    prepare_file(path)

    with closing(connect_read_only(path)) as db:
        assert db.execute("SELECT count(*) FROM project").fetchone() == (0,)
    assert len(list(path.parent.glob("ledger.corrupt-*.sqlite"))) == 1


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
