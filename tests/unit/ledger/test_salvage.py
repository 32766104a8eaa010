from __future__ import annotations

import os
import random
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from carryover.facts import GitFacts
from carryover.ledger.connect import prepare_file
from carryover.ledger.queries import Selection
from carryover.ledger.rows import LOST
from carryover.ledger.salvage import salvage
from carryover.model import Retracted
from carryover.publish.project_view import project_view
from support.scribe import execute, noise, writing

PAGE = 4096
LEAF_OF_TABLE = 13
"""The first byte of such a page."""


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    prepare_file(tmp_path / "fresh.sqlite")
    with closing(sqlite3.connect(tmp_path / "fresh.sqlite", isolation_level=None)) as db:
        yield db


async def filled(path: Path, *, events: int) -> None:
    async with writing(path) as scribe:
        for begin in range(0, events, 100):
            numbers, session = range(begin, begin + 100), f"s{begin // 100 % 4}"
            await scribe.tell(*(scribe.event(f"prompt {n} {noise(n, 200)}", session=session) for n in numbers))
        await scribe.ledger.set_published(1, "abc", 1, None, GitFacts(branch="main", head="1234567"))


def is_readable(path: Path, event: int) -> bool:
    try:
        return execute(path, f"SELECT * FROM event WHERE id = {event}") != []
    except sqlite3.DatabaseError:
        return False


def rows(db: sqlite3.Connection, query: str) -> list[tuple[object, ...]]:
    return db.execute(query).fetchall()


async def test_from_a_sound_ledger_everything_but_positions_and_digests_is_saved(
    ledger_path: Path, fresh: sqlite3.Connection
) -> None:
    await filled(ledger_path, events=1_200)
    execute(ledger_path, "INSERT INTO tokens VALUES (1, x'00', 1, 9, 'a-model', 10, 20, 30, 40)")

    saved = salvage(ledger_path, fresh, now_ms=5_000)

    kept = [f"SELECT * FROM {table}" for table in ("event", "session", "project", "counter", "tokens")]
    assert [rows(fresh, query) for query in kept] == [execute(ledger_path, query) for query in kept]
    assert len(rows(fresh, kept[-1])) == 1
    assert saved == 1_200
    assert rows(fresh, "SELECT * FROM source") == []
    assert rows(fresh, "SELECT DISTINCT fold_version FROM thread") == [(0,)]
    assert rows(fresh, "SELECT at_ms FROM incident") == [(5_000,)]


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.night)])
async def test_damaged_pages_cost_only_what_stood_on_them(
    ledger_path: Path, fresh: sqlite3.Connection, seed: int
) -> None:
    await filled(ledger_path, events=2_000)
    originals = set(execute(ledger_path, "SELECT id, key, body FROM event"))
    pages = ledger_path.stat().st_size // PAGE
    with ledger_path.open("r+b") as file:
        # The pages before these also hold the threads, without which the events of a session are dropped.
        for page in random.Random(seed).sample(range(80, pages), 5):
            file.seek(page * PAGE)
            file.write(random.Random(page).randbytes(PAGE))

    saved = salvage(ledger_path, fresh, now_ms=5_000)

    # An inner page of a tree leads to a few hundred rows; the leaves below it cannot be found without it.
    assert saved >= 1_000
    assert set(rows(fresh, "SELECT id, key, body FROM event")) <= originals
    assert rows(fresh, "PRAGMA foreign_key_check") == []


async def test_every_event_that_is_not_on_a_damaged_page_is_saved(ledger_path: Path, fresh: sqlite3.Connection) -> None:
    await filled(ledger_path, events=600)
    [(key,)] = execute(ledger_path, "SELECT key FROM event WHERE id = 300")
    content = ledger_path.read_bytes()
    leaves = [at for at in range(0, len(content), PAGE) if content[at] == LEAF_OF_TABLE]
    with ledger_path.open("r+b") as file:
        file.seek(next(at for at in leaves if key in content[at : at + PAGE]))
        file.write(bytes(PAGE))
    readable = [number for number in range(1, 601) if is_readable(ledger_path, number)]

    salvage(ledger_path, fresh, now_ms=5_000)

    assert 300 not in readable and len(readable) > 500
    assert [number for (number,) in rows(fresh, "SELECT id FROM event ORDER BY id")] == readable


async def test_a_ledger_that_was_cut_keeps_what_is_before_the_cut(ledger_path: Path, fresh: sqlite3.Connection) -> None:
    await filled(ledger_path, events=1_200)
    os.truncate(ledger_path, ledger_path.stat().st_size // 2)

    assert salvage(ledger_path, fresh, now_ms=5_000) > 240


async def test_a_row_that_means_nothing_or_lost_its_session_is_left_out(
    ledger_path: Path, fresh: sqlite3.Connection
) -> None:
    await filled(ledger_path, events=400)
    execute(
        ledger_path,
        "UPDATE event SET body = substr(body, 5) WHERE id = 3",
        "UPDATE event SET key = 7 WHERE id = 4",
        "UPDATE event SET body = 'x', retracted = 2 WHERE id = 5",
        "DELETE FROM session WHERE native_id IN ('s2', 's3')",
    )

    assert salvage(ledger_path, fresh, now_ms=5_000) == 198
    assert rows(fresh, "SELECT id, body, retracted FROM event WHERE retracted") == [(3, "", 3), (5, "", 2)]


async def test_from_a_ledger_without_a_later_column_is_saved_the_rest(
    ledger_path: Path, fresh: sqlite3.Connection
) -> None:
    await filled(ledger_path, events=200)
    execute(ledger_path, "ALTER TABLE session DROP COLUMN machine")

    assert salvage(ledger_path, fresh, now_ms=5_000) == 200
    assert rows(fresh, "SELECT DISTINCT machine FROM session") == [("",)]


async def test_what_no_longer_counts_stays_so(ledger_path: Path, fresh: sqlite3.Connection, tmp_path: Path) -> None:
    async with writing(ledger_path) as scribe:
        await scribe.tell(scribe.event("add a parser"), scribe.event("in C"), scribe.event(Retracted(keys=("k2",))))
        await scribe.tell(scribe.event("told twice", session="s2"), path="/t/2")
        await scribe.tell(scribe.event("told better", session="s2"), path="/t/db", rank=2)

    salvage(ledger_path, fresh, now_ms=5_000)

    assert rows(fresh, "SELECT id, retracted FROM event") == [(1, 0), (2, 1), (3, 0), (4, 2), (5, 0)]
    assert rows(fresh, "SELECT native_id, rank FROM session") == [("s1", 0), ("s2", 2)]
    async with writing(tmp_path / "fresh.sqlite") as saved:
        worse = scribe.event("told twice, and worse", session="s2")
        assert (await saved.tell(worse, path="/t/2")).new_events == 0
        while await saved.ledger.rebuild_outdated():
            pass
        views = project_view(saved.db, 1).sessions
    assert {view.session: view.digest.prompts for view in views} == {"s1": 1, "s2": 1}


async def test_tombstones_are_saved_so_that_what_was_forgotten_does_not_come_back(
    ledger_path: Path, fresh: sqlite3.Connection
) -> None:
    async with writing(ledger_path) as scribe:
        await scribe.tell("Add a parser")
        await scribe.ledger.forget(Selection(), now_ms=1_000_000)

    salvage(ledger_path, fresh, now_ms=5_000)

    kept = ["SELECT scope, until_ms FROM forgotten", "SELECT id FROM forgotten_event"]
    assert [len(rows(fresh, query)) for query in kept] == [1, 1]
    assert [rows(fresh, query) for query in kept] == [execute(ledger_path, query) for query in kept]


@pytest.mark.parametrize("copy", range(2))
async def test_an_event_with_a_damaged_key_does_not_count_twice(
    ledger_path: Path, fresh: sqlite3.Connection, tmp_path: Path, copy: int
) -> None:
    """The row and the index each have the key. SQLite does not notice that they differ."""
    await filled(ledger_path, events=100)
    [(key,)] = execute(ledger_path, "PRAGMA wal_checkpoint(TRUNCATE)", "SELECT key FROM event WHERE id = 7")
    content = ledger_path.read_bytes()
    places = [found.start() for found in re.finditer(re.escape(key), content)]
    assert len(places) == 2
    at = places[copy] + 8
    ledger_path.write_bytes(content[:at] + bytes(6) + content[at + 6 :])

    assert salvage(ledger_path, fresh, now_ms=5_000) == 99
    assert rows(fresh, "SELECT body, retracted FROM event WHERE id = 7") == [("", LOST)]

    fresh.close()
    async with writing(tmp_path / "fresh.sqlite") as scribe:
        await scribe.tell(*(scribe.event(f"prompt {at}", session=f"s{at % 4}") for at in range(100)))
        assert rows(scribe.db, f"SELECT count(*) FROM event WHERE retracted != {LOST}") == [(100,)]
