from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from carryover.adapter.contract import Source
from carryover.distill.digest import FOLD_VERSION
from carryover.ledger.batch import SourceState
from carryover.ledger.codec import decode_body
from carryover.ledger.ledger_errors import LedgerUnavailable, StaleRead
from carryover.ledger.queries import (
    session_by_prefix,
    session_events,
)
from carryover.ledger.store import Ledger
from carryover.model import UserPrompt
from carryover.publish.project_view import project_view, session_digest
from support.scribe import Scribe, noise

Reading = Callable[[], sqlite3.Connection]

ONE = Source(agent="made-up", path="/t/one.jsonl")

WRITER = """
import asyncio, sys
from pathlib import Path
from carryover.adapter.contract import Source
from carryover.facts import ProjectRoot
from carryover.ledger.batch import Entry, PreparedBatch
from carryover.distill.stored_digest import DigestReducer
from carryover.ledger.store import Ledger
from carryover.model import Event, UserPrompt

async def main():
    ledger = await Ledger.open(Path(sys.argv[1]), DigestReducer())
    source = Source(agent="made-up", path="/t/one.jsonl")
    state = await ledger.source_state(source)
    rev = state.rev if state else 0
    done = int(state.cursor) if state else 0
    while True:
        events = [
            Event(key=f"k{n}", session="s1", at_ms=n, body=UserPrompt(text=f"prompt {n} " + "x" * 500), cwd="/repo")
            for n in range(done, done + 10)
        ]
        entries = tuple(Entry.of("made-up", event, {}) for event in events)
        done += 10
        prepared = PreparedBatch(
            cursor=str(done).encode(),
            context=b"{}",
            size=0,
            mtime_ns=0,
            entries=entries,
            roots={"/repo": ProjectRoot("/repo")},
        )
        await ledger.commit(source, prepared, seen_rev=rev)
        rev += 1
        print(done, flush=True)

asyncio.run(main())
"""


def texts(db: sqlite3.Connection) -> list[str]:
    events = session_events(db, session_by_prefix(db, "s1"))
    return [event.body.text for event in events if isinstance(event.body, UserPrompt)]


async def test_everything_is_private_to_its_owner(scribe: Scribe, ledger_path: Path) -> None:
    await scribe.tell("hello")

    modes = {file.name: oct(file.stat().st_mode & 0o777) for file in ledger_path.parent.iterdir()}
    assert modes == {"ledger.sqlite": "0o600", "ledger.sqlite-wal": "0o600", "ledger.sqlite-shm": "0o600"}
    assert oct(ledger_path.parent.stat().st_mode & 0o777) == "0o700"


async def test_comparing_all_sources_loads_neither_cursors_nor_contexts(ledger: Ledger, scribe: Scribe) -> None:
    """Thousands of transcripts are compared every few minutes, and each context may hold a hundred KiB."""
    await scribe.commit(scribe.prepared(scribe.event("hello"), cursor=bytes(8 << 20), context=bytes(8 << 20)))

    tracemalloc.start()
    known = await ledger.last_reads()
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert list(known) == [(ONE.agent, ONE.path)]
    assert peak_bytes < 1 << 20


async def test_a_broken_source_keeps_its_place_until_a_read_succeeds(ledger: Ledger, scribe: Scribe) -> None:
    await scribe.tell("hello")
    await ledger.mark_broken(ONE, "Permission denied", retry_ms=1_000)
    await ledger.mark_broken(ONE, "Input/output error", retry_ms=3_000)
    broken = await ledger.source_state(ONE)

    await scribe.tell("again")

    assert broken == SourceState(
        rev=1,
        cursor=b"1",
        context=b"{}",
        size=10,
        mtime_ns=5_000_000,
        state="broken",
        error="Input/output error",
        failures=2,
        retry_ms=3_000,
    )
    assert await ledger.source_state(ONE) == SourceState(
        rev=2, cursor=b"1", context=b"{}", size=10, mtime_ns=5_000_000, state="active"
    )


async def test_cancelling_leaves_a_commit_done_or_undone_and_the_next_one_works(
    ledger: Ledger, scribe: Scribe, reading: Reading
) -> None:
    """A second cancel falls into the roll-back of the first."""
    chance = random.Random(7)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await scribe.tell(*(scribe.event("warm up", key=f"w{n}", session="s0") for n in range(3)), path="/t/other.jsonl")
    typical_s = loop.time() - began
    for n in range(120):
        state = await ledger.source_state(ONE)
        done = int(state.cursor or b"0") if state is not None else 0
        told = scribe.prepared(
            *(scribe.event(f"prompt {k}", key=f"k{k}") for k in range(done, done + 3)), cursor=str(done + 3).encode()
        )
        task = asyncio.ensure_future(ledger.commit(ONE, told, seen_rev=state.rev if state is not None else 0))
        first = chance.uniform(0, typical_s)
        loop.call_later(first, task.cancel)
        loop.call_later(first + chance.uniform(0, typical_s / 4), task.cancel)
        await asyncio.gather(task, return_exceptions=True)
        assert not isinstance(task.exception() if not task.cancelled() else None, Exception), n

    state = await ledger.source_state(ONE)
    assert state is not None
    done = int(state.cursor or b"0")
    assert 0 < done < 360
    assert texts(reading()) == [f"prompt {n}" for n in range(done)]
    assert session_digest(reading(), session_by_prefix(reading(), "s1")).prompts == done


async def test_commits_at_once_of_one_source_store_one_and_refuse_the_others(
    ledger: Ledger, scribe: Scribe, reading: Reading
) -> None:
    told = [scribe.prepared(scribe.event(f"prompt {n}")) for n in range(5)]

    results = await asyncio.gather(*(ledger.commit(ONE, each, seen_rev=0) for each in told), return_exceptions=True)

    assert [type(result) for result in results[1:]] == [StaleRead] * 4
    assert texts(reading()) == ["prompt 0"]


def test_a_writer_killed_at_any_moment_has_stored_exactly_what_its_position_says(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    chance = random.Random(11)
    done = 0
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(chance.randint(1, 30)):
                done = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            reported = [int(line) for line in writer.stdout]
        with closing(sqlite3.connect(path)) as db:
            ((cursor,),) = db.execute("SELECT cursor FROM source").fetchall()
            bodies = [
                body.text.split(" x")[0]
                for (stored,) in db.execute("SELECT body FROM event ORDER BY id")
                if isinstance(body := decode_body(stored), UserPrompt)
            ]
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert int(cursor) >= max([done, *reported])
        assert bodies == [f"prompt {n}" for n in range(int(cursor))]


async def test_a_full_disk_is_reported_clearly_and_loses_nothing(
    ledger: Ledger, scribe: Scribe, reading: Reading, ledger_path: Path
) -> None:
    await scribe.tell("hello")
    before = await ledger.source_state(ONE)
    big = scribe.prepared(*(scribe.event(f"prompt {n} {noise(n, 2_000)}") for n in range(50)), cursor=b"2")
    await ledger._db.execute_fetchall("PRAGMA max_page_count = 45")

    with pytest.raises(LedgerUnavailable) as told:
        await ledger.commit(ONE, big, seen_rev=1)

    assert str(told.value) == (
        f"The disk that holds {ledger_path} is full. Nothing was lost: what could not be stored is read again from the "
        "transcripts. Free some space."
    )
    assert await ledger.source_state(ONE) == before
    await ledger._db.execute_fetchall("PRAGMA max_page_count = 100000")
    assert (await ledger.commit(ONE, big, seen_rev=1)).new_events == 50
    assert len(texts(reading())) == 51


async def test_a_database_locked_by_another_program_is_reported_clearly_and_loses_nothing(
    ledger: Ledger, scribe: Scribe, reading: Reading, ledger_path: Path
) -> None:
    await ledger._db.execute_fetchall("PRAGMA busy_timeout = 20")
    other = sqlite3.connect(ledger_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(LedgerUnavailable, match=r"Another program keeps .* locked"):
        await scribe.tell("hello")
    other.execute("ROLLBACK")
    other.close()

    assert (await scribe.tell("hello")).new_events == 1
    assert texts(reading()) == ["hello"]


async def test_digests_of_an_older_fold_are_made_again_newest_first(
    ledger: Ledger, scribe: Scribe, reading: Reading, ledger_path: Path
) -> None:
    for session in ("s1", "s2", "s3"):
        await scribe.tell(scribe.event("add a parser", session=session), path=f"/t/{session}")
    expected = project_view(reading(), 1)
    with closing(sqlite3.connect(ledger_path)) as db, db:
        db.execute("UPDATE thread SET fold_version = ?, digest = 'old'", (FOLD_VERSION - 1,))

    done = [await ledger.rebuild_outdated() for _ in range(4)]

    assert done == [True, True, True, False]
    assert project_view(reading(), 1) == expected
