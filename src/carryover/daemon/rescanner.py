"""Compares all sources with the ledger: at startup, when hints may have been lost, and every few minutes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from carryover.daemon.context import DaemonContext
from carryover.daemon.ingest_queue import IngestQueue
from carryover.daemon.log import Word
from carryover.daemon.supervisor import wait_at_most
from carryover.ingest.scan import TranscriptRoot, compare_with_disk, reading_order
from carryover.ingest.spool import Spool, collect_pending
from carryover.ledger.commit import count_skipped

SAFETY_NET_S: Final = 300.0
"""Limits the cost of a lost hint. A rescan that finds no change takes about 10 µs per file."""

BETWEEN_RESCANS_S: Final = 1.0
"""Minimum interval; more frequent requests share a rescan."""


class Rescanned(msgspec.Struct, frozen=True, kw_only=True):
    """Result of one rescan."""

    sources: int
    changed: int
    gone: int
    ms: float


class Rescanner:
    """Rescans sources regularly and on request."""

    def __init__(
        self,
        context: DaemonContext,
        roots: Callable[[], tuple[TranscriptRoot, ...]],
        ingest_queue: IngestQueue,
        spool: Spool,
    ) -> None:
        self._context = context
        self._spool = spool
        self._roots = roots
        self._ledger = context.ledger
        self._ingest_queue = ingest_queue
        self._log = context.log
        self._one_at_a_time = asyncio.Lock()
        self._requested = asyncio.Event()
        self._reason = "start"
        self.sources = 0
        """Sources that the last rescan found."""

    def request(self, reason: str) -> None:
        """Requests a rescan in the near future."""
        self._reason = reason
        self._requested.set()

    async def run(self) -> None:
        """Rescans now, then on request and every few minutes, until cancelled."""
        while True:
            self._requested.clear()
            reason, self._reason = self._reason, "safety_net"
            first = self._context.last_rescan_ms is None
            swept = await self.rescan()
            if swept.changed or swept.gone or first:
                counts = {"sources": swept.sources, "changed": swept.changed, "gone": swept.gone}
                self._log.info("swept", reason=Word(reason), **counts, ms=swept.ms)
            await asyncio.sleep(BETWEEN_RESCANS_S)
            await wait_at_most(self._requested, SAFETY_NET_S)

    async def rescan(self, *, also_broken: bool = False) -> Rescanned:
        """Compares every source with the ledger and queues the changed ones; with `also_broken`, broken ones too."""
        async with self._one_at_a_time:
            started = time.monotonic()
            now_ms, context = self._context.now_ms(), self._context
            roots = self._roots()
            await self._collect(roots, now_ms)
            found = await compare_with_disk(self._ledger, context.agents, roots, now_ms=now_ms, also_broken=also_broken)
            order = reading_order(found.outdated, now_ms=now_ms, active_days=context.config.publish.active_days)
            self._ingest_queue.queue(order)
            context.last_rescan_ms = now_ms
            self.sources = len(found.seen)
            ms = (time.monotonic() - started) * 1000
            return Rescanned(
                sources=len(found.seen),
                changed=len(found.outdated),
                gone=len(found.gone),
                ms=ms,
            )

    async def _collect(self, roots: Iterable[TranscriptRoot], now_ms: int) -> None:
        selected = [root.agent_id for root in roots]
        pending = await asyncio.to_thread(collect_pending, self._spool, self._context.agents, selected)
        for agent_id, dropped in pending.items():
            if dropped:
                await self._ledger.write(count_skipped, agent_id, dropped, at_ms=now_ms)
