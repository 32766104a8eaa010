"""Reads sources as they are hinted at or queued, and reports which projects changed.

A source is read one batch at a time and then requeued, so that a long history never delays a live session by more than
a batch. An error in one source is recorded with it and retried later. An error of the ledger is retried with a
back-off, and nothing is lost; but damage stops the daemon.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from typing import Final

from carryover.adapter.contract import Source
from carryover.daemon.context import DaemonContext
from carryover.daemon.log import Word, phrase, source_id
from carryover.daemon.supervisor import delay_s
from carryover.daemon.work_queue import WorkQueue
from carryover.ingest.pipeline import IngestResult, ingest
from carryover.ingest.scan import SourceKey, key_of
from carryover.ledger.connect import LedgerUnavailable

QUIET_S: Final = 0.1
CAP_S: Final = 0.3
"""How often a session that writes without pause is read.

Together with the publisher's own cap, the watcher's step and the time to publish, this keeps every change within a
second.
"""

BUSY_AGAIN_S: Final = 0.3
BUSY_TRIES: Final = 6
"""Number of tries, and the interval between them, for a source whose owner is in the middle of a write."""

LOOK_AGAIN_AT_LEAST_S: Final = 1.0
"""Shortest interval after which a reader can have an unchanged source read again."""


OnRead = Callable[[frozenset[int], int], None]


class IngestQueue:
    """Reads sources in order of urgency. `on_read` gets the projects that a source touched, once its end was reached.

    Sources of an agent that is not read now are skipped; a rescan finds them when it is read again.
    """

    def __init__(
        self,
        context: DaemonContext,
        on_read: OnRead,
        executor: Executor,
    ) -> None:
        self._context = context
        self._ledger = context.ledger
        self._on_read = on_read
        self._executor = executor
        self._log = context.log
        self._meter = context.meter
        self._queue: WorkQueue[SourceKey] = WorkQueue(quiet_s=QUIET_S, cap_s=CAP_S, clock=context.clock)
        self._sources: dict[SourceKey, Source] = {}
        self._unread: dict[SourceKey, IngestResult] = {}
        self._broken: set[SourceKey] = set()
        self._busy: set[SourceKey] = set()
        self._ledger_failures = 0
        self.ledger_trouble: str | None = None
        """Why nothing can be stored at the moment."""

    @property
    def idle(self) -> bool:
        """Whether nothing is waiting to be read or being read."""
        return self._queue.idle

    @property
    def broken(self) -> int:
        """Number of sources that cannot be read at the moment."""
        return len(self._broken)

    @property
    def waiting(self) -> int:
        """Number of sources waiting to be read."""
        return self._queue.waiting

    def hint(self, sources: Iterable[Source]) -> None:
        """Has `sources` read soon, since they may have changed."""
        for source in sources:
            self._queue.hint(self._keyed(source))

    def queue(self, sources: Iterable[Source]) -> None:
        """Queues `sources` to be read in this order whenever nothing live is waiting."""
        self._queue.queue([self._keyed(source) for source in sources])

    async def look_at(self, sources: Iterable[Source]) -> None:
        """Reads `sources` to their present end immediately, and waits until that is done."""
        await self._queue.look_at([self._keyed(source) for source in sources])

    async def flush(self) -> None:
        """Waits until everything now waiting or being read has been read to its end."""
        await self._queue.flush()

    async def settle(self) -> None:
        """Waits as `flush` does, and briefly retries databases that were busy.

        Their owner was writing or closing them, but what they contained before that was complete.
        """
        await self.flush()
        for _ in range(BUSY_TRIES):
            if not self._busy:
                return
            await asyncio.sleep(BUSY_AGAIN_S)
            await self.look_at([self._sources[key] for key in self._busy])

    def drain(self) -> None:
        """Makes `run` end once everything hinted at has been read; the rest is left for the next start."""
        self._queue.drain()

    async def run(self, *, live_only: bool = False) -> None:
        """Reads one source at a time until drained. Several of these may run concurrently.

        `live_only` leaves the backlog to other readers, so that a hint never waits for a batch of old history.
        """
        while (key := await self._queue.take(live_only=live_only)) is not None:
            more = False
            try:
                more = await self._read(key)
            finally:
                self._queue.done(key, more=more)

    def _keyed(self, source: Source) -> SourceKey:
        key = key_of(source)
        self._sources[key] = source
        return key

    async def _read(self, key: SourceKey) -> bool:
        started, context = time.monotonic(), self._context
        source = self._sources[key]
        if not context.config.reads(source.agent):
            self._busy.discard(key)
            return False
        try:
            result = await ingest(
                self._ledger,
                context.agents[source.agent],
                source,
                root_of=context.root_of,
                now_ms=context.now_ms,
                executor=self._executor,
                max_batches=1,
            )
        except LedgerUnavailable as trouble:
            self._ledger_failed(key, trouble)
            return False
        self._ledger_works()
        self._meter.read(result.bytes, events=result.new_events)
        self._unread[key] = total = result.after(self._unread.get(key, IngestResult()))
        if result.more:
            return True
        del self._unread[key]
        await self._note(key, total, ms=(time.monotonic() - started) * 1000)
        return False

    async def _note(self, key: SourceKey, result: IngestResult, *, ms: float) -> None:
        named = {"agent": Word(key[0]), "source": source_id(*key)}
        if result.new_events:
            self._log.info("source_read", **named, events=result.new_events, ms=ms)
        if result.projects:
            self._on_read(result.projects, result.newest_event_ms)
        if result.retry_after_s is not None:
            self._queue.later(key, max(result.retry_after_s, LOOK_AGAIN_AT_LEAST_S))
        (self._busy.add if result.busy else self._busy.discard)(key)
        if result.error is None:
            self._broken.discard(key)
            return
        if key not in self._broken:
            self._log.warning("source_broken", **named, reason=phrase(result.error))
        state = await self._ledger.source_state(self._sources[key])
        self._broken.add(key)
        self._queue.later(key, max(0.0, state.retry_ms / 1000 - time.time()) if state is not None else 0.0)

    def _ledger_failed(self, key: SourceKey, trouble: LedgerUnavailable) -> None:
        self._ledger_failures += 1
        if self.ledger_trouble is None:
            self._log.error("ledger_unavailable", trouble)
        self.ledger_trouble = str(trouble)
        self._queue.later(key, delay_s(self._ledger_failures))

    def _ledger_works(self) -> None:
        if self.ledger_trouble is not None:
            self._log.info("ledger_works_again")
        self.ledger_trouble = None
        self._ledger_failures = 0
