from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress

import pytest

from carryover.daemon.context import DaemonContext
from carryover.daemon.ingest_queue import IngestQueue
from carryover.daemon.rescanner import Rescanner
from carryover.ingest.scan import TranscriptRoot, roots_of
from carryover.ingest.spool import Spool
from carryover.ledger.store import Ledger
from support.claude_session import ClaudeSession


class Floor:
    """A sweeper and the reading it works for."""

    def __init__(self, context: DaemonContext, pool: Executor) -> None:
        self.swept = asyncio.Event()
        self.reading = IngestQueue(context, lambda _projects, _at_ms: None, pool)
        self._context = context
        spool = Spool(context.state)
        self.sweeper = Rescanner(context, self._roots, self.reading, spool)

    def _roots(self) -> tuple[TranscriptRoot, ...]:
        self.swept.set()
        return roots_of(self._context.agents.values(), self._context.home, {})

    async def read_all(self) -> None:
        """Read what the rescan queued."""
        reading = asyncio.ensure_future(self.reading.run())
        await self.reading.flush()
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading


@pytest.fixture
async def floor(context: DaemonContext, pool: Executor) -> Floor:
    return Floor(context, pool)


@pytest.fixture
def age() -> Callable[[ClaudeSession], None]:
    """Make a transcript an hour old."""
    return lambda session: os.utime(session.path, (time.time() - 3600,) * 2)


async def test_a_sweep_queues_what_changed_and_only_that(
    floor: Floor, session: ClaudeSession, age: Callable[[ClaudeSession], None]
) -> None:
    session.prompt("Add a discount")
    age(session)
    first = await floor.sweeper.rescan()
    assert (first.sources, first.changed, floor.reading.waiting) == (1, 1, 1)
    await floor.read_all()

    second = await floor.sweeper.rescan()
    assert (second.sources, second.changed, floor.reading.waiting) == (1, 0, 0)


async def test_a_source_that_vanished_is_marked_gone_and_comes_back(
    floor: Floor, session: ClaudeSession, ledger: Ledger, age: Callable[[ClaudeSession], None]
) -> None:
    session.prompt("Add a discount")
    age(session)
    await floor.sweeper.rescan()
    await floor.read_all()
    aside = session.path.rename(session.path.with_suffix(".aside"))

    assert (await floor.sweeper.rescan()).gone == 1
    assert (await floor.sweeper.rescan()).gone == 0
    aside.rename(session.path)
    assert (await floor.sweeper.rescan()).changed == 1
    await floor.read_all()
    assert (await floor.sweeper.rescan()).changed == 0


async def test_it_sweeps_at_the_start_and_on_request(floor: Floor, lines: list[str]) -> None:
    running = asyncio.ensure_future(floor.sweeper.run())
    await asyncio.wait_for(floor.swept.wait(), 20)
    floor.swept.clear()
    floor.sweeper.request("folder_added")
    await asyncio.wait_for(floor.swept.wait(), 20)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running

    assert [line.split()[:2] for line in lines] == [["swept", "reason=start"]], "where nothing changed nothing is said"
