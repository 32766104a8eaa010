from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from carryover.errors import ExitCode, UserError
from carryover.ledger.schema import FIRST, MIGRATIONS, Migration, migrate, newest, version_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def db(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        yield db


MAKE_SHELF = ("CREATE TABLE shelf (book TEXT)", "INSERT INTO shelf VALUES ('atlas')")
ADD_AUTHOR = ("ALTER TABLE shelf ADD COLUMN author TEXT", "UPDATE shelf SET author = 'unknown'")
FAIL_HALF_WAY = ("DROP TABLE shelf", "INSERT INTO shelf VALUES ('globe')")


def books(db: sqlite3.Connection) -> list[tuple[str, ...]]:
    return db.execute("SELECT * FROM shelf").fetchall()


def test_a_new_file_gets_every_migration_and_no_backup(db: sqlite3.Connection, path: Path) -> None:
    migrate(db, path)

    assert version_of(db) == newest()
    assert [file.name for file in path.parent.iterdir()] == ["ledger.sqlite"]


def test_a_ledger_of_the_first_form_is_like_a_new_one_afterwards(db: sqlite3.Connection, path: Path) -> None:
    schema = "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"
    migrate(db, path, MIGRATIONS[:1])
    migrate(db, path)

    with closing(sqlite3.connect(path.with_name("new.sqlite"), isolation_level=None)) as new:
        migrate(new, path.with_name("new.sqlite"))
        assert (version_of(db), db.execute(schema).fetchall()) == (newest(), new.execute(schema).fetchall())


def test_a_session_that_only_a_hook_told_of_goes_with_what_hooks_told(db: sqlite3.Connection, path: Path) -> None:
    db.execute("PRAGMA foreign_keys = ON")
    migrate(db, path, MIGRATIONS[:4])
    session = "INSERT INTO session (agent, native_id, started_ms, last_ms, rank) VALUES ('codex', ?, 1, 1, 0)"
    db.executemany(session, [("told",), ("written",)])
    told = "INSERT INTO provisional (session_id, subagent_id, fingerprint, at_ms, body) VALUES (?, '', x'00', 1, '{}')"
    db.executemany(told, [(1,), (2,)])
    db.execute("INSERT INTO thread (session_id, subagent_id, fold_version, digest) VALUES (2, '', 1, x'')")

    migrate(db, path)

    assert db.execute("SELECT native_id FROM session").fetchall() == [("written",)]


def test_a_migration_is_made_whole_after_a_copy_or_not_at_all(db: sqlite3.Connection, path: Path) -> None:
    migrate(db, path, (MAKE_SHELF,))

    with pytest.raises(sqlite3.OperationalError):
        migrate(db, path, (MAKE_SHELF, FAIL_HALF_WAY))
    assert (version_of(db), books(db)) == (FIRST, [("atlas",)])

    migrate(db, path, (MAKE_SHELF, ADD_AUTHOR))
    assert (version_of(db), books(db)) == (FIRST + 1, [("atlas", "unknown")])
    backup = path.with_name(f"ledger.before-{FIRST + 1}.sqlite")
    assert oct(backup.stat().st_mode & 0o777) == "0o600"
    with closing(sqlite3.connect(backup)) as old:
        assert (version_of(old), books(old)) == (FIRST, [("atlas",)])


def test_on_a_full_disk_a_copy_leaves_nothing_and_an_earlier_one_stays(db: sqlite3.Connection, path: Path) -> None:
    """What was written until then took the rest of the disk, and had the name of a whole copy."""
    migrate(db, path, (MAKE_SHELF,))
    db.execute("INSERT INTO shelf VALUES (zeroblob(1000000))")
    backup = path.with_name(f"ledger.before-{FIRST + 1}.sqlite")
    backup.write_bytes(b"earlier")

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
    try:
        with pytest.raises(sqlite3.OperationalError):
            migrate(db, path, (MAKE_SHELF, ADD_AUTHOR))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert sorted(file.name for file in path.parent.iterdir()) == [backup.name, path.name]
    assert (backup.read_bytes(), version_of(db)) == (b"earlier", FIRST)
    migrate(db, path, (MAKE_SHELF, ADD_AUTHOR))
    assert backup.stat().st_size > 1_000_000


def test_a_migration_that_another_process_has_made_meanwhile_is_not_made_again(
    db: sqlite3.Connection, path: Path
) -> None:
    class MadeMeanwhile(tuple[Migration, ...]):
        def __iter__(self) -> Iterator[Migration]:
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                migrate(other, path, (MAKE_SHELF,))
            return super().__iter__()

    migrate(db, path, MadeMeanwhile((MAKE_SHELF, ADD_AUTHOR)))

    assert books(db) == [("atlas", "unknown")]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (f"PRAGMA user_version = {newest() + 1}", r"newer Carryover \(ledger version \d+; this one knows \d+\)"),
        (f"PRAGMA user_version = {FIRST - 1}", "trial version of Carryover"),
        ("CREATE TABLE moz_places (id INTEGER)", "not one of Carryover's"),
    ],
)
def test_what_is_no_ledger_of_this_program_is_refused_and_left_alone(
    db: sqlite3.Connection, path: Path, made: str, message: str
) -> None:
    db.execute(made)
    before = path.read_bytes()

    with pytest.raises(UserError, match=message) as reported:
        migrate(db, path)

    assert (reported.value.code, path.read_bytes()) == (ExitCode.REFUSED, before)
