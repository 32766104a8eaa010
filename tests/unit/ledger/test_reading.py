from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from carryover.errors import ExitCode, UserError
from carryover.ledger.queries import sessions, totals
from carryover.ledger.reading import connect_read_only
from carryover.ledger.schema import MIGRATIONS
from carryover.ledger.store import Ledger
from carryover.ledger.trouble import LedgerUnavailable

if TYPE_CHECKING:
    from unit.ledger.conftest import Scribe


LIVING_WRITER = """
import asyncio, sys
from pathlib import Path
from carryover.adapter.contract import Source
from carryover.ledger.prepared import Entry, Prepared
from carryover.ledger.store import Ledger
from carryover.model import Event, UserPrompt

async def main():
    ledger = await Ledger.open(Path(sys.argv[1]))
    for n in range(3):
        event = Event(key=f"k{n}", session="s1", at_ms=n, body=UserPrompt(text="hello"))
        entries = (Entry.of("made-up", event, {}),)
        prepared = Prepared(cursor=b"1", context=b"{}", size=0, mtime_ns=0, entries=entries)
        await ledger.commit(Source(agent="made-up", path="/t/1"), prepared, seen_rev=n)
        print("committed", flush=True)
        sys.stdin.readline()
    await ledger.close()

asyncio.run(main())
"""


def state_of(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Everything about the files of a folder that reading could have changed."""
    found = {file.name: file.stat() for file in folder.iterdir()}
    return {name: (each.st_ino, each.st_size, each.st_mtime_ns) for name, each in found.items()}


async def stopped(path: Path, scribe_of: type[Scribe]) -> None:
    """A ledger whose daemon was stopped in good order."""
    ledger = await Ledger.open(path)
    await scribe_of(ledger).tell("hello")
    await ledger.close()


async def killed(path: Path, scribe_of: type[Scribe]) -> None:
    """What a daemon leaves that was killed: the database, its log, and the log's index."""
    living = path.with_name("living.sqlite")
    ledger = await Ledger.open(living)
    await scribe_of(ledger).tell("hello")
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).write_bytes(living.with_name(living.name + suffix).read_bytes())
    await ledger.close()
    living.unlink()


def test_without_a_ledger_it_says_so_and_makes_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no ledger at") as told:
        connect_read_only(tmp_path / "ledger.sqlite")

    assert told.value.code is ExitCode.NOTHING_FOUND
    assert list(tmp_path.iterdir()) == []


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


async def test_what_a_killed_writer_left_in_its_log_is_read(ledger_path: Path, scribe_of: type[Scribe]) -> None:
    ledger_path.parent.mkdir()
    await killed(ledger_path, scribe_of)
    before = set(state_of(ledger_path.parent))

    with closing(connect_read_only(ledger_path)) as db:
        assert totals(db).events == 1

    assert set(state_of(ledger_path.parent)) == before


async def test_after_a_killed_writer_not_a_byte_need_change(ledger_path: Path, scribe_of: type[Scribe]) -> None:
    ledger_path.parent.mkdir()
    await killed(ledger_path, scribe_of)
    before = {file.name: file.read_bytes() for file in ledger_path.parent.iterdir()}

    with closing(connect_read_only(ledger_path, keep_index=True)) as db:
        assert totals(db).events == 1

    assert {file.name: file.read_bytes() for file in ledger_path.parent.iterdir()} == before


def test_without_touching_the_index_what_a_living_writer_committed_is_read(tmp_path: Path) -> None:
    """In another process, as `keep_index` asks for."""
    path = tmp_path / "ledger.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", LIVING_WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        seen = []
        for _ in range(3):
            writer.stdout.readline()
            with closing(connect_read_only(path, keep_index=True)) as db:
                seen.append(totals(db).events)
            writer.stdin.write("go on\n")
            writer.stdin.flush()
        writer.stdin.close()

    assert seen == [1, 2, 3]


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


def test_a_file_that_is_no_database_is_told_clearly(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"not a database " * 100)

    with pytest.raises(UserError, match="is damaged"):
        connect_read_only(path)
