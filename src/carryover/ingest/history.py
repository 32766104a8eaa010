"""Decides when it is worth reading ahead in other processes: while there is a long history to read, and no longer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Final

from carryover.adapter.contract import Agent, Source
from carryover.facts import FindRoot
from carryover.ingest.pipeline import IngestResult, ingest
from carryover.ingest.prepare import Prepare, prepare
from carryover.ingest.read_ahead import ReadAhead
from carryover.ingest.scan import FoundSource, SourceKey, key_of
from carryover.ledger.batch import READ_IN_PART, LastRead, SourceState
from carryover.ledger.store import Ledger

WORTH_BYTES: Final = 4 << 20
"""Less is read in the time that other processes take to start."""

MOST_PROCESSES: Final = 3
"""More would wait for the one that commits."""

PLANNED: Final = 16
"""Sources that are announced at a time; small ones are prepared faster than they can be committed."""


def processes_here() -> int:
    """How many processes read ahead on this machine."""
    return min(
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, MOST_PROCESSES
    )


def unread_bytes(found: Iterable[FoundSource], known: Mapping[SourceKey, LastRead]) -> int:
    """About how much of the sources has not been read. Those that are tried again as they are count for nothing."""
    total = 0
    for item in found:
        last = known.get(key_of(item.source))
        if last is None:
            total += item.size
        elif last.state != "broken" and last.size != READ_IN_PART:
            total += item.size - last.size if last.size <= item.size else item.size
    return total


class History:
    """Reading ahead of one reader that takes sources in a known order. `close` it in the end."""

    def __init__(
        self,
        ledger: Ledger,
        agents: Mapping[str, Agent],
        *,
        root_of: FindRoot,
        now_ms: Callable[[], int],
        processes: int | None = None,
    ) -> None:
        self._ledger = ledger
        self._agents = agents
        self._root_of = root_of
        self._now_ms = now_ms
        self._processes = processes_here() if processes is None else processes
        self._unread_bytes = 0
        self._ahead: ReadAhead | None = None
        self._states: dict[SourceKey, SourceState | None] = {}

    @property
    def prepare(self) -> Prepare:
        """What the reader is to prepare its batches with."""
        return self._ahead.prepare if self._ahead is not None else prepare

    @property
    def pid(self) -> int | None:
        """One of the processes; None while there are none."""
        return self._ahead.pid if self._ahead is not None else None

    def expect(self, unread_bytes: int) -> None:
        """About so much is to be read."""
        self._unread_bytes = unread_bytes

    async def plan(self, coming: Iterable[Source]) -> None:
        """Announces what is read next. Processes start here if it is worth it, and end when nothing comes any more."""
        announced = list(islice(coming, PLANNED))
        if not announced:
            await self.close()
            return
        if self._ahead is None:
            if self._unread_bytes < WORTH_BYTES:
                return
            self._ahead = ReadAhead(self._root_of, self._now_ms, processes=min(self._processes, len(announced)))
            await asyncio.to_thread(self._ahead.start)
        self._unread_bytes = 0
        ahead, begun = self._ahead, self._ahead.begun()
        # Another reader may just have read the first; nobody else reads those that still wait.
        keys = [key_of(source) for source in announced]
        states = {key: self._states[key] for key in keys[1:] if key in self._states}
        for key, source in zip(keys, announced, strict=True):
            if key not in states and key not in begun:
                states[key] = await self._ledger.source_state(source)
        self._states = states
        ahead.plan(((source, states.get(key_of(source))) for source in announced), self._agents)

    async def close(self) -> None:
        """Ends the processes, if there are any."""
        ahead, self._ahead = self._ahead, None
        self._states = {}
        self._unread_bytes = 0
        if ahead is not None:
            await asyncio.to_thread(ahead.close)


async def read_all(
    ledger: Ledger,
    agents: Mapping[str, Agent],
    sources: Sequence[Source],
    *,
    root_of: FindRoot,
    now_ms: Callable[[], int],
    unread: int,
) -> AsyncIterator[tuple[Source, IngestResult]]:
    """Reads all of `sources`, in their order; gives each with what it brought. `unread`: bytes that are new of them.

    Raises LedgerUnavailable and LedgerDamaged.
    """
    history = History(ledger, agents, root_of=root_of, now_ms=now_ms)
    history.expect(unread)
    try:
        with ThreadPoolExecutor(max_workers=1) as reader:
            for number, source in enumerate(sources):
                await history.plan(sources[number : number + PLANNED])
                agent = agents[source.agent]
                yield (
                    source,
                    await ingest(
                        ledger, agent, source, root_of=root_of, now_ms=now_ms, executor=reader, prepare=history.prepare
                    ),
                )
    finally:
        await history.close()
