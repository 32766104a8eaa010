"""Reads sources as they are hinted at or queued, one batch at a time, so that a long history delays no live session,
and compares all of them with the ledger. Errors of a source or the ledger are retried later; damage stops the daemon.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable
from functools import partial
from typing import Final

from carryover.adapter.contract import Source
from carryover.daemon.context import DaemonContext
from carryover.daemon.log import Word, phrase, source_id
from carryover.daemon.publish_queue import PublishQueue
from carryover.daemon.supervisor import delay_s, wait_at_most
from carryover.daemon.work_queue import WorkQueue
from carryover.ingest.pipeline import TOO_LARGE_MS, IngestResult, ingest
from carryover.ingest.scan import (
    Comparison,
    SourceGroup,
    SourceKey,
    compare_with_disk,
    key_of,
    newest_thread,
    place_of,
    projects_of_places,
    reading_order,
)
from carryover.ingest.spool import Spool, collect_pending
from carryover.ledger.commit import count_skipped
from carryover.ledger.connect import LedgerUnavailable
from carryover.platform import here

_QUIET_S: Final = 0.1
_CAP_S: Final = 0.3
"""How often a session that writes without pause is read, so that its handoff follows within a second."""
LONG_S: Final = 5.0
"""How long a source is read before others are read in turn with it."""
BUSY_AGAIN_S: Final = 0.3
BUSY_TRIES: Final = 6
"""Number of tries, and the interval between them, for a source whose owner is in the middle of a write."""
LOOK_AGAIN_AT_LEAST_S: Final = 1.0
"""Shortest interval after which a reader can have an unchanged source read again."""
SAFETY_NET_S: Final = 300.0
"""Limits the cost of a lost hint. A rescan that finds no change takes about 20 µs per file."""
MOST_NEW: Final = 16
"""As many sources that were never read are read as they come; more are put in the order of a rescan."""
WATCH_BEGINS_S: Final = 1.0
"""How long the first rescan waits for the watch. One beside it would take longer, and be made again after it, since
what changes between a rescan and the watch is seen by neither."""
BETWEEN_RESCANS_S: Final = 1.0
"""Minimum interval; more frequent requests share a rescan."""


class IngestQueue(WorkQueue[SourceKey]):
    """Reads sources of selected agents, in order of urgency. Has their projects published once their ends are reached.

    queue.read_in_order(sources)  # whenever nothing live is waiting: old history
    queue.read_soon(sources)  # they may have changed
    await queue.read_now(sources)  # somebody waits for their end
    """

    def __init__(
        self, context: DaemonContext, publish_queue: PublishQueue, *, busy_again_s: float = BUSY_AGAIN_S
    ) -> None:
        super().__init__(quiet_s=_QUIET_S, cap_s=_CAP_S, clock=context.clock)
        self._context = context
        self._publish_queue = publish_queue
        self._busy_again_s = busy_again_s
        self._sources: dict[SourceKey, Source] = {}
        self.known: set[SourceKey] = set()
        """What was read to its end, now or by an earlier daemon."""
        self._unread: dict[SourceKey, IngestResult] = {}
        self._spent_s: dict[SourceKey, float] = {}
        """How long the reading of each source has taken that is not at its end."""
        self._broken: set[SourceKey] = set()
        self._busy: set[SourceKey] = set()
        self._resting: dict[SourceKey, float] = {}
        """Until when, by the clock, sources rest that were too large to be read, whatever changes in them meanwhile."""
        self._ledger_failures = 0
        self.ledger_trouble: str | None = None
        """Why nothing can be stored at the moment."""

    @property
    def broken(self) -> int:
        """Number of sources that cannot be read at the moment."""
        return len(self._broken)

    def read_soon(self, sources: Iterable[Source]) -> None:
        """Has `sources` read soon, since they may have changed."""
        for source in sources:
            self.hint(self._keyed(source))

    def read_in_order(self, sources: Iterable[Source]) -> None:
        """Has `sources` read in this order whenever nothing live is waiting."""
        self.queue([self._keyed(source) for source in sources])

    async def read_now(self, sources: Iterable[Source]) -> None:
        """Reads `sources` to their present end immediately, and waits until that is done."""
        await self.do_now([self._keyed(source) for source in sources])

    async def settle(self) -> None:
        """Waits as `flush` does, and briefly retries databases whose owner was writing or closing them."""
        await self.flush()
        for _ in range(BUSY_TRIES):
            if not self._busy:
                return
            await asyncio.sleep(self._busy_again_s)
            await self.do_now(self._busy)

    def _keyed(self, source: Source) -> SourceKey:
        key = key_of(source)
        self._sources[key] = source
        return key

    async def handle(self, key: SourceKey) -> bool:
        """Reads one batch of a source."""
        started, context = time.monotonic(), self._context
        source = self._sources[key]
        agent = context.agents.get(source.agent)
        if agent is None or not context.config.reads(source.agent):
            self._busy.discard(key)
            return False
        rests_s = self._resting.get(key, 0.0) - context.clock()
        if rests_s > 0:
            self.later(key, rests_s)
            return False
        try:
            reading = partial(ingest, root_of=context.paths.root_of, now_ms=context.now_ms)
            result = await reading(context.ledger, agent, source, max_batches=1)
        except LedgerUnavailable as trouble:
            self._ledger_failures += 1
            if self.ledger_trouble is None:
                self._context.log.error("ledger_unavailable", trouble)
            self.ledger_trouble = str(trouble)
            self.later(key, delay_s(self._ledger_failures))
            return False
        if self.ledger_trouble is not None:
            self._context.log.info("ledger_works_again")
        self.ledger_trouble, self._ledger_failures = None, 0
        self._unread[key] = total = result.after(self._unread.get(key, IngestResult()))
        self._spent_s[key] = self._spent_s.get(key, 0.0) + time.monotonic() - started
        if not result.more:
            del self._unread[key], self._spent_s[key]
            self._note(key, total, ms=(time.monotonic() - started) * 1000)
        return result.more

    def takes_long(self, key: SourceKey) -> bool:
        """Whether a source has been read for so long that others are read in turn with it."""
        return self._spent_s.get(key, 0.0) > LONG_S

    def _note(self, key: SourceKey, result: IngestResult, *, ms: float) -> None:
        self.known.add(key)
        named = {"agent": Word(key[0]), "source": source_id(*key)}
        if result.new_events:
            self._context.log.info("source_read", **named, events=result.new_events, ms=ms)
        if result.projects:
            self._publish_queue.source_read(result, self.is_one_of_many(key))
        if not self.has_backlog:
            self._publish_queue.history_read()
        if result.retry_after_s is not None:
            self.later(key, max(result.retry_after_s, LOOK_AGAIN_AT_LEAST_S))
        (self._busy.add if result.busy else self._busy.discard)(key)
        self._resting.pop(key, None)
        if result.too_large is not None:
            self._resting[key] = self._context.clock() + TOO_LARGE_MS / 1000
        if result.error is None:
            self._broken.discard(key)
            return
        if key not in self._broken:
            self._context.log.warning("source_broken", **named, reason=phrase(result.error))
        self._broken.add(key)


class Rescanner:
    """Rescans sources regularly and on request."""

    def __init__(self, context: DaemonContext, ingest_queue: IngestQueue, spool: Spool) -> None:
        self._context = context
        self._ingest_queue = ingest_queue
        self._spool = spool
        self._one_at_a_time = asyncio.Lock()
        self._requested = asyncio.Event()
        self._reason = "start"
        self._folders: dict[SourceGroup, str] = {}
        """The project of each place that was looked into and is still there; "" if it has none."""

    def hear(self, sources: Collection[Source]) -> None:
        """Has sources read soon that may have changed. Of many that were never read, the newest project comes first,
        as at the start."""
        queue = self._ingest_queue
        new = {key for source in sources if (key := key_of(source)) not in queue.known}
        if new and len(new) + queue.hinted > MOST_NEW:
            sources = [source for source in sources if key_of(source) not in new]
            self.request("many_new")
        queue.read_soon(sources)

    def request(self, reason: str) -> None:
        """Requests a rescan in the near future."""
        self._reason = reason
        self._requested.set()

    async def run(self) -> None:
        """Rescans once folders are watched, then on request and every few minutes, until cancelled."""
        if not here().watches_trees:  # FSEvents' first report, by which it is known to watch, can take a second
            await wait_at_most(self._requested, WATCH_BEGINS_S)
        while True:
            self._requested.clear()
            reason, self._reason = self._reason, "safety_net"
            await self.rescan(reason)
            await asyncio.sleep(BETWEEN_RESCANS_S)
            await wait_at_most(self._requested, SAFETY_NET_S)

    async def rescan(self, reason: str, *, also_broken: bool = False) -> None:
        """Compares every source with the ledger and queues the changed ones; with `also_broken`, broken ones too."""
        async with self._one_at_a_time:
            context, started = self._context, time.monotonic()
            now_ms, ledger, first = context.now_ms(), context.ledger, context.last_rescan_ms is None
            roots = await asyncio.to_thread(context.roots)
            selected = [root.agent_id for root in roots]
            pending = await asyncio.to_thread(collect_pending, self._spool, context.agents, selected)
            for agent_id, dropped in pending.items():
                if dropped:
                    await ledger.write(count_skipped, agent_id, dropped, at_ms=now_ms)
            found = await compare_with_disk(ledger, context.agents, roots, now_ms=now_ms, also_broken=also_broken)
            new = {key_of(item.source) for item in found.new}
            self._ingest_queue.known.update(key for item in found.seen if (key := key_of(item.source)) not in new)
            await self._queue(found)
            context.last_rescan_ms = now_ms
            context.transcripts = len(found.seen)
            context.rescan_s = time.monotonic() - started
            if found.outdated or found.gone or first:
                counts = {"sources": context.transcripts, "changed": len(found.outdated), "gone": len(found.gone)}
                context.log.info("swept", reason=Word(reason), **counts, ms=context.rescan_s * 1000)

    async def _queue(self, found: Comparison) -> None:
        """Has sources read in order, which is known as soon as it is known whose the new ones are: the newest thread is
        read meanwhile, if nothing else is."""
        context, queue = self._context, self._ingest_queue
        since_ms = context.now_ms() - context.config.publish.active_ms
        if len(found.new) > 1:
            if not queue.waiting:
                queue.read_in_order(newest_thread(found.new))
            known = {place: self._folders[place] for place in map(place_of, found.seen) if place in self._folders}
            self._folders = known | await asyncio.to_thread(
                projects_of_places,
                context.agents,
                [item for item in found.new if place_of(item) not in known],
                context.paths.root_of,
                since_ms=since_ms,
            )
        if outdated := {key_of(item.source) for item in found.outdated}:
            # Of all, since a project stays the newest one when its newest source is read.
            order = reading_order(found.seen, self._folders, since_ms=since_ms)
            queue.read_in_order([source for source in order if key_of(source) in outdated])
