from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from carryover.distill.stored_digest import DigestReducer
from carryover.errors import UserError
from carryover.ledger.codec import DamagedBody
from carryover.ledger.connect import (
    LedgerDamaged,
    LedgerUnavailable,
    connect_read_only,
    damage_mark,
    ledger_error,
    prepare_file,
)
from carryover.ledger.queries import Selection, projects, sessions, totals
from carryover.ledger.schema import FIRST, newest
from carryover.ledger.store import Ledger
from carryover.publish.project_view import project_view
from support.scribe import AGENT, Scribe, execute, writing


def moved_aside(path: Path) -> list[Path]:
    return sorted(path.parent.glob("ledger.corrupt-*.sqlite"))


async def test_a_ledger_is_private_to_its_owner_even_if_others_could_read_it(ledger_path: Path) -> None:
    prepare_file(ledger_path)
    ledger_path.chmod(0o644)

    async with writing(ledger_path) as scribe:
        await scribe.tell("hello")
        modes = {file.name: oct(file.stat().st_mode & 0o777) for file in ledger_path.parent.iterdir()}

    assert modes == {"ledger.sqlite": "0o600", "ledger.sqlite-wal": "0o600", "ledger.sqlite-shm": "0o600"}
    assert oct(ledger_path.parent.stat().st_mode & 0o777) == "0o700"


def test_a_file_that_is_no_database_is_moved_aside_and_reported(ledger_path: Path) -> None:
    ledger_path.parent.mkdir()
    ledger_path.write_bytes(b"this is not a database at all " * 200)

    prepare_file(ledger_path)

    (aside,) = moved_aside(ledger_path)
    assert aside.read_bytes().startswith(b"this is not a database")
    told = f"The ledger was damaged. It was moved to {aside.name}; 0 events could be saved from it."
    assert execute(ledger_path, "SELECT text FROM incident") == [(told,)]
    assert sorted(file.name for file in ledger_path.parent.iterdir()) == sorted([aside.name, "ledger.sqlite"])


def test_a_log_that_belongs_to_the_damaged_file_is_not_played_into_the_new_one(ledger_path: Path) -> None:
    ledger_path.parent.mkdir()
    with closing(sqlite3.connect(ledger_path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE kept (a)")
        db.execute("INSERT INTO kept VALUES (1)")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("UPDATE kept SET a = 2")
        log = ledger_path.with_name("ledger.sqlite-wal").read_bytes()
    ledger_path.write_bytes(b"this is not a database at all " * 200)
    ledger_path.with_name("ledger.sqlite-wal").write_bytes(log)

    prepare_file(ledger_path)

    (aside,) = moved_aside(ledger_path)
    with closing(sqlite3.connect(ledger_path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert aside.with_name(aside.name + "-wal").read_bytes() == log


def test_a_salvage_that_was_cut_short_is_done_again(ledger_path: Path) -> None:
    ledger_path.parent.mkdir()
    ledger_path.write_bytes(b"this is not a database at all " * 200)
    ledger_path.with_name("ledger.salvaged.sqlite").write_bytes(b"half of a ledger")
    ledger_path.with_name("ledger.corrupt-20250101T000000.000000Z.sqlite").hardlink_to(ledger_path)

    prepare_file(ledger_path)

    assert execute(ledger_path, "PRAGMA user_version") == [(newest(),)]
    assert not ledger_path.with_name("ledger.salvaged.sqlite").exists()
    assert len(moved_aside(ledger_path)) == 2


def test_a_folder_in_the_ledgers_place_is_reported_clearly(ledger_path: Path) -> None:
    ledger_path.mkdir(parents=True)

    with pytest.raises(LedgerUnavailable, match="cannot be opened: Is a directory"):
        prepare_file(ledger_path)


async def stopped(path: Path) -> None:
    """A ledger whose daemon was stopped in good order."""
    async with writing(path) as scribe:
        await scribe.tell("hello")


async def killed(path: Path) -> None:
    """What a daemon leaves that was killed: the database, its log, and the log's index."""
    living = path.with_name("living.sqlite")
    async with writing(living) as scribe:
        await scribe.tell("hello")
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).write_bytes(living.with_name(living.name + suffix).read_bytes())
    living.unlink()


def state_of(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything about the files of a folder that reading could have changed."""
    return {file.name: (file.stat().st_ino, file.stat().st_mtime_ns, file.read_bytes()) for file in folder.iterdir()}


@pytest.mark.parametrize(("left", "keep_index"), [(stopped, False), (killed, True)])
async def test_reading_a_ledger_nobody_has_open_leaves_every_file_as_it_was(
    ledger_path: Path, left: Callable[[Path], Awaitable[None]], keep_index: bool
) -> None:
    ledger_path.parent.mkdir()
    await left(ledger_path)
    before = state_of(ledger_path.parent)

    with closing(connect_read_only(ledger_path, keep_index=keep_index)) as db:
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
        with pytest.raises(sqlite3.OperationalError):
            db.execute("DELETE FROM event")

    assert (first, second) == (1, 2)
    assert set(state_of(ledger_path.parent)) == before


async def test_where_the_logs_index_cannot_be_made_the_database_itself_is_read(ledger_path: Path) -> None:
    """So it is in a folder that cannot be written; here something else stands in the index's place."""
    await stopped(ledger_path)
    ledger_path.with_name("ledger.sqlite-shm").mkdir()

    with closing(connect_read_only(ledger_path)) as db:
        assert [row.native_id for row in sessions(db, limit=2)] == ["s1"]


@pytest.mark.parametrize(
    ("version", "kind", "message"),
    [
        (newest() + 1, UserError, "newer Carryover .* To go back, move it away and rename ledger.before-"),
        (
            FIRST - 1,
            UserError,
            "trial version of Carryover .* Move it away: what your agents'",
        ),
        (0, LedgerUnavailable, "has not been brought up to date yet"),
    ],
)
async def test_a_ledger_of_another_version_is_refused_with_what_to_do(
    ledger_path: Path, version: int, kind: type[UserError], message: str
) -> None:
    await stopped(ledger_path)
    execute(ledger_path, f"PRAGMA user_version = {version}")
    ledger_path.with_name(f"ledger.before-{newest() + 1}.sqlite").touch()

    damage_mark(ledger_path).write_bytes(b"content\n")
    for use in (connect_read_only, prepare_file) if version else (connect_read_only,):
        with pytest.raises(kind, match=message):
            use(ledger_path)


def test_a_schema_whose_text_is_damaged_is_replaced(ledger_path: Path) -> None:
    """SQLite quotes it in an error message, which Python cannot decode."""
    prepare_file(ledger_path)
    ledger_path.write_bytes(ledger_path.read_bytes().replace(b"tablethreadthread", b"tablet\xdd eadthread"))
    with pytest.raises(UserError, match="is damaged"), closing(connect_read_only(ledger_path)) as db:
        db.execute("SELECT * FROM project")

    prepare_file(ledger_path)

    assert execute(ledger_path, "SELECT count(*) FROM project") == [(0,)]
    assert len(moved_aside(ledger_path)) == 1


def test_a_ledger_whose_header_names_a_format_that_does_not_exist_is_replaced(ledger_path: Path) -> None:
    """SQLite has no code of its own for it. At each start, the daemon would fail the same way."""
    prepare_file(ledger_path)
    with ledger_path.open("r+b") as file:
        file.seek(44)
        file.write(b"\xa5" * 4)
    with pytest.raises(UserError, match="is damaged"), closing(connect_read_only(ledger_path)) as db:
        db.execute("SELECT * FROM project")

    prepare_file(ledger_path)

    assert execute(ledger_path, "SELECT count(*) FROM project") == [(0,)]
    assert len(moved_aside(ledger_path)) == 1


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [
        (sqlite3.SQLITE_FULL, LedgerUnavailable, "The disk that holds /state/ledger.sqlite is full"),
        (sqlite3.SQLITE_BUSY, LedgerUnavailable, "Another program keeps /state/ledger.sqlite locked"),
        (sqlite3.SQLITE_READONLY_DBMOVED, LedgerUnavailable, "/state/ledger.sqlite cannot be written"),
        (sqlite3.SQLITE_IOERR_WRITE, LedgerUnavailable, "The disk that holds /state/ledger.sqlite is full, or damaged"),
        (sqlite3.SQLITE_CORRUPT_INDEX, LedgerDamaged, "/state/ledger.sqlite is damaged"),
        (sqlite3.SQLITE_NOTADB, LedgerDamaged, "/state/ledger.sqlite is damaged"),
        (sqlite3.SQLITE_ERROR, type(None), "None"),
    ],
)
def test_each_trouble_names_the_file_and_what_to_do(code: int, kind: type[Exception], says: str) -> None:
    error = sqlite3.OperationalError("SQLite's own words")
    error.sqlite_errorcode = code

    trouble = ledger_error(error, Path("/state/ledger.sqlite"))

    assert (type(trouble), str(trouble).startswith(says)) == (kind, True)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE event SET body = CAST(x'7b22ff' AS TEXT) WHERE id = 2",
        "UPDATE event SET body = replace(body, '{', '[') WHERE id = 2",
        "UPDATE session SET native_id = CAST(x'73ff31' AS TEXT)",
    ],
    ids=["text of an event", "JSON of an event", "id of a session"],
)
async def test_damage_that_no_check_of_pages_finds_is_mended_at_the_next_start(change: str, ledger_path: Path) -> None:
    async with writing(ledger_path) as scribe:
        history = [scribe.event(f"prompt {n}") for n in range(5)]
        await scribe.tell(*history)
    execute(ledger_path, change, "UPDATE thread SET fold_version = 1")

    ledger = await Ledger.open(ledger_path, DigestReducer())
    with pytest.raises(LedgerDamaged):
        await _use(ledger, ledger_path)
    await ledger.close()

    async with writing(ledger_path) as mended:
        await mended.tell(*history)
        await _use(mended.ledger, ledger_path)
        assert sorted(mended.prompts("s1")) == [f"prompt {n}" for n in range(5)]
    assert not damage_mark(ledger_path).exists()


async def test_damage_that_is_found_in_what_is_to_be_forgotten_is_mended_too(scribe: Scribe, ledger_path: Path) -> None:
    await scribe.tell("add a parser")
    await scribe.ledger.report(ValueError("other"))
    await scribe.ledger.report(sqlite3.OperationalError("no such table: x"))
    assert not damage_mark(ledger_path).exists()
    execute(ledger_path, "UPDATE event SET body = replace(body, '{', '[')")

    with pytest.raises(LedgerDamaged):
        await scribe.ledger.forget(Selection(agent=AGENT, session="s1"), now_ms=10**9)

    assert damage_mark(ledger_path).exists()


async def test_damage_is_reported_even_if_the_caller_who_met_it_has_given_up(scribe: Scribe, ledger_path: Path) -> None:
    began, goes_on = threading.Event(), threading.Event()

    def meet_damage(_db: sqlite3.Connection) -> None:
        began.set()
        goes_on.wait()
        raise DamagedBody

    caller = asyncio.create_task(scribe.ledger.write(meet_damage))
    await asyncio.to_thread(began.wait)
    caller.cancel()
    goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await caller

    with pytest.raises(LedgerDamaged):
        async with asyncio.timeout(5):
            await scribe.ledger.wait_for_damage()
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
