from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from carryover.errors import ExitCode, UserError
from carryover.ledger.opening import damage_mark, ready_file
from carryover.ledger.schema import MIGRATIONS, version_of
from carryover.ledger.trouble import LedgerUnavailable


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


def test_a_ledger_is_made_where_there_is_none(path: Path) -> None:
    ready_file(path)

    assert version(path) == len(MIGRATIONS)
    assert [file.name for file in path.parent.iterdir()] == ["ledger.sqlite"]


def test_a_ledger_that_others_could_read_is_made_private(path: Path) -> None:
    ready_file(path)
    path.chmod(0o644)

    ready_file(path)

    assert oct(path.stat().st_mode & 0o777) == "0o600"


def test_a_file_that_is_no_database_is_moved_aside_and_told_of(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is not a database at all " * 200)

    ready_file(path)

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

    ready_file(path)

    (aside,) = moved_aside(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert aside.with_name(aside.name + "-wal").read_bytes() == log


def test_a_salvage_that_was_cut_short_is_done_again(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is not a database at all " * 200)
    path.with_name("ledger.salvaged.sqlite").write_bytes(b"half of a ledger")
    path.with_name("ledger.corrupt-20250101T000000.000000Z.sqlite").hardlink_to(path)

    ready_file(path)

    assert version(path) == len(MIGRATIONS)
    assert not path.with_name("ledger.salvaged.sqlite").exists()
    assert len(moved_aside(path)) == 2


def test_a_sound_ledger_that_was_marked_damaged_is_kept(path: Path) -> None:
    ready_file(path)
    damage_mark(path).touch()

    ready_file(path)

    assert moved_aside(path) == []
    assert not damage_mark(path).exists()


def test_a_newer_ledger_is_refused_not_salvaged(path: Path) -> None:
    ready_file(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")

    with pytest.raises(UserError) as told:
        ready_file(path)

    assert told.value.code is ExitCode.REFUSED
    assert moved_aside(path) == []


def test_a_folder_in_the_ledgers_place_is_told_clearly(path: Path) -> None:
    path.mkdir(parents=True)

    with pytest.raises(LedgerUnavailable, match="cannot be opened: Is a directory"):
        ready_file(path)
