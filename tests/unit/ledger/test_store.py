from __future__ import annotations

import asyncio
import random
import sqlite3
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from carryover.adapter.contract import Source
from carryover.ledger.connect import LedgerUnavailable, StaleRead
from carryover.ledger.events import session_events
from carryover.ledger.queries import session_by_prefix
from carryover.ledger.store import Ledger
from carryover.model import UserPrompt
from carryover.publish.project_view import session_digest
from support.scribe import Scribe, noise

Reading = Callable[[], sqlite3.Connection]

ONE = Source(agent="made-up", path="/t/one.jsonl")


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
