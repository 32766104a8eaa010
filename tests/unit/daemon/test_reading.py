from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from carryover.adapter.contract import Agent, Batch, Source
from carryover.config import Config
from carryover.daemon.context import DaemonContext
from carryover.daemon.log import source_id
from carryover.daemon.reading import BUSY_TRIES, IngestQueue, Rescanner
from carryover.ingest.spool import Spool
from carryover.ledger.queries import connect_read_only, totals
from carryover.ledger.store import Ledger
from carryover.readers.jsonl import JsonlReader
from support.claude_session import ClaudeSession
from support.clock import Clock
from support.log_lines import LogLines

Touched = list[tuple[frozenset[int], int]]


@pytest.fixture
def touched() -> Touched:
    """What the ingest_queue passed on: projects and the time of their newest event."""
    return []


@pytest.fixture
async def ingest_queue(context: DaemonContext, pool: Executor, touched: Touched) -> IngestQueue:
    return IngestQueue(context, lambda projects, at_ms: touched.append((projects, at_ms)), pool)


@asynccontextmanager
async def at_work(ingest_queue: IngestQueue) -> AsyncIterator[None]:
    """Two workers read while the block lasts, and then to the end of what was hinted."""
    async with asyncio.TaskGroup() as group:
        for live_only in (True, False):
            group.create_task(ingest_queue.run(live_only=live_only))
        try:
            yield
        finally:
            ingest_queue.drain()


@pytest.fixture
def source_of(agents: dict[str, Agent]) -> Callable[[ClaudeSession], Source]:
    def source_of(session: ClaudeSession) -> Source:
        source = agents["claude-code"].source_of(session.path, session.folder)
        assert source is not None
        return source

    return source_of


SourceOf = Callable[[ClaudeSession], Source]


def events(ledger_path: Path) -> int:
    with closing(connect_read_only(ledger_path)) as db:
        return totals(db).events


async def test_a_long_source_is_passed_on_once_it_is_read_to_its_end(
    ingest_queue: IngestQueue, session: ClaudeSession, source_of: SourceOf, touched: Touched, ledger_path: Path
) -> None:
    """A handoff made from its first part would tell of things long past."""
    session.now -= timedelta(hours=1)
    session.append(b"".join(session.prompt_line(f"prompt {n}") for n in range(1200)))
    async with at_work(ingest_queue):
        ingest_queue.read_in_order([source_of(session)])
        await ingest_queue.flush()

    assert events(ledger_path) == 1201
    assert touched == [(frozenset({1}), int(session.now.timestamp() * 1000))]


async def test_a_source_that_cannot_be_read_is_reported_once_and_stops_no_other(
    ingest_queue: IngestQueue, session: ClaudeSession, source_of: SourceOf, ledger_path: Path, lines: list[str]
) -> None:
    session.prompt("Add a discount")
    odd = ClaudeSession(session.folder, session.cwd)
    odd.path.mkdir()
    async with at_work(ingest_queue):
        for _ in range(2):
            ingest_queue.read_soon([source_of(odd), source_of(session)])
            await ingest_queue.flush()

    assert events(ledger_path) == 2
    assert ingest_queue.broken == 1
    assert [line for line in lines if "broken" in line] == [
        f"source_broken agent=claude-code source={source_id('claude-code', str(odd.path))} reason=not_a_regular_file"
    ]


async def test_what_is_read_is_counted(
    context: DaemonContext, ingest_queue: IngestQueue, session: ClaudeSession, source_of: SourceOf
) -> None:
    session.prompt("Add a discount; password=Tr0ub4dor-and-3 is the one")
    session.append(b"no JSON at all\n")
    async with at_work(ingest_queue):
        ingest_queue.read_soon([source_of(session)])
        await ingest_queue.flush()
    found = context.meter.metrics()

    assert found.events_stored == 2
    assert found.bytes_read == session.path.stat().st_size - 2, "each record without the end of its line"


async def test_while_the_ledger_is_locked_nothing_is_lost_and_it_is_said_why(
    ingest_queue: IngestQueue,
    session: ClaudeSession,
    source_of: SourceOf,
    ledger: Ledger,
    ledger_path: Path,
    lines: LogLines,
) -> None:
    session.prompt("Add a discount")
    await ledger._db.execute_fetchall("PRAGMA busy_timeout = 10")
    with closing(sqlite3.connect(ledger_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with at_work(ingest_queue):
            ingest_queue.read_soon([source_of(session)])
            await ingest_queue.flush()
            assert str(ingest_queue.ledger_trouble).startswith("Another program keeps ")
            other.execute("COMMIT")
            await lines.until("ledger_works_again")  # it tries again by itself, after half a second

    assert events(ledger_path) == 2
    assert [line.split()[0] for line in lines] == ["ledger_unavailable", "ledger_works_again", "source_read"]


class Unsettled(JsonlReader):
    """Says for its first `looks` that the end of the source is not final."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.left = looks

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        batch = super().read(path, cursor)
        self.left -= 1
        return msgspec.structs.replace(batch, retry_after_s=60.0 if self.left >= 0 else None)


async def test_a_source_whose_end_is_not_final_is_read_again_after_its_time(
    agents: dict[str, Any],
    context: DaemonContext,
    pool: Executor,
    clock: Clock,
    session: ClaudeSession,
    source_of: SourceOf,
    lines: list[str],
) -> None:
    """It waits as a broken one does, but nothing is wrong with it, and nobody waits for it."""
    reader = Unsettled(looks=1)
    other = ClaudeSession(session.folder, session.cwd)
    for each in (session, other):
        each.prompt("Add a discount")
    unsettled = source_of(session)
    agents["claude-code"] = replace(agents["claude-code"], reader=reader)
    context.clock = clock
    ingest_queue = IngestQueue(context, lambda _projects, _at_ms: None, pool)
    async with at_work(ingest_queue):
        await ingest_queue.read_now([unsettled])
        assert (ingest_queue.idle, ingest_queue.broken, reader.left) == (True, 0, 0)

        clock.now += 59
        await ingest_queue.read_now([source_of(other)])
        assert reader.left == -1

        clock.now += 2
        await ingest_queue.read_now([source_of(other)])
        await ingest_queue.flush()
        assert reader.left < -2

    assert not [line for line in lines if "broken" in line]


async def test_agents_that_are_not_to_be_read_are_passed_by_until_they_are(
    context: DaemonContext, ingest_queue: IngestQueue, touched: Touched, session: ClaudeSession, source_of: SourceOf
) -> None:
    session.prompt("Add a discount function")
    context.config = Config(paused=True)
    async with at_work(ingest_queue):
        ingest_queue.read_soon([source_of(session)])
        await ingest_queue.flush()
        assert (ingest_queue.idle, touched) == (True, [])

        context.config = Config()
        ingest_queue.read_soon([source_of(session)])
        await ingest_queue.flush()

    assert len(touched) == 1


class BusyReader(JsonlReader):
    """Of a source that its owner is writing to when it is read first."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left = times

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        self.left -= 1
        if self.left >= 0:
            raise OSError(errno.EAGAIN, "the database is locked", str(path))
        return super().read(path, cursor)


@pytest.mark.parametrize(("times", "found"), [(BUSY_TRIES, 2), (BUSY_TRIES + 1, 0)])
async def test_settling_waits_for_a_source_that_its_owner_is_writing_to(
    times: int,
    found: int,
    agents: dict[str, Agent],
    ingest_queue: IngestQueue,
    session: ClaudeSession,
    source_of: SourceOf,
    ledger_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was complete before is in it. It does not wait for ever."""
    monkeypatch.setattr("carryover.daemon.reading.BUSY_AGAIN_S", 0.0)
    agents["claude-code"] = replace(agents["claude-code"], reader=BusyReader(times))
    session.prompt("Add a discount")
    async with at_work(ingest_queue):
        ingest_queue.read_in_order([source_of(session)])
        await ingest_queue.settle()

        assert events(ledger_path) == found
        assert ingest_queue.broken == (0 if found else 1)


class Floor:
    """A rescanner and the reading it works for. `rescan` returns what was logged: what was found."""

    def __init__(self, context: DaemonContext, ingest_queue: IngestQueue, lines: LogLines) -> None:
        self.reading = ingest_queue
        self.rescanner = Rescanner(context, ingest_queue, Spool(context.state))
        self._lines = lines

    async def rescan(self) -> list[str]:
        self._lines.clear()
        await self.rescanner.rescan("safety_net")
        return [" ".join(line.split()[1:5]) for line in self._lines if line.startswith("swept")]

    async def read_all(self) -> None:
        """Read what the rescan queued."""
        async with at_work(self.reading):
            await self.reading.flush()
        self.reading._draining = False


@pytest.fixture
async def floor(context: DaemonContext, ingest_queue: IngestQueue, lines: LogLines) -> Floor:
    return Floor(context, ingest_queue, lines)


@pytest.fixture
def aged(session: ClaudeSession) -> ClaudeSession:
    """A session that wrote an hour ago."""
    session.prompt("Add a discount")
    os.utime(session.path, (time.time() - 3600,) * 2)
    return session


async def test_a_rescan_queues_what_changed_and_only_that(floor: Floor, aged: ClaudeSession) -> None:
    assert await floor.rescan() == ["reason=safety_net sources=1 changed=1 gone=0"]
    assert floor.reading.waiting == 1
    await floor.read_all()

    assert await floor.rescan() == []
    assert (floor.reading.waiting, floor.rescanner.sources) == (0, 1)


async def test_a_source_that_vanished_is_marked_gone_and_comes_back(floor: Floor, aged: ClaudeSession) -> None:
    await floor.rescan()
    await floor.read_all()
    aside = aged.path.rename(aged.path.with_suffix(".aside"))

    assert await floor.rescan() == ["reason=safety_net sources=0 changed=0 gone=1"]
    assert await floor.rescan() == []
    aside.rename(aged.path)
    assert await floor.rescan() == ["reason=safety_net sources=1 changed=1 gone=0"]
    await floor.read_all()
    assert await floor.rescan() == []


async def test_it_rescans_at_the_start_and_on_request(
    floor: Floor, context: DaemonContext, lines: LogLines, session: ClaudeSession
) -> None:
    running = asyncio.ensure_future(floor.rescanner.run())
    await lines.until("swept")
    session.prompt("Add a discount")
    floor.rescanner.request("folder_added")
    await lines.until("swept reason=folder_added")
    running.cancel()
    await asyncio.wait([running])

    assert [line.split()[:2] for line in lines] == [["swept", "reason=start"], ["swept", "reason=folder_added"]]
