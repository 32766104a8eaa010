"""Forgets sessions while the daemon writes the ledger: at the user's request, and daily by `[retention]`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from carryover.daemon.context import DaemonContext
from carryover.daemon.publish_queue import PublishQueue
from carryover.daemon.supervisor import wait_at_most
from carryover.ledger.connect import LedgerUnavailable, erase_mark
from carryover.ledger.forget import keep_limits, read_dropped_again
from carryover.ledger.queries import Selection
from carryover.publish.forgetting import Erased, forget_sessions, oldest_kept_ms, over_limits

DAY_S: Final = 86_400.0
ERASE_AGAIN_S: Final = 600.0
PUBLISH_S: Final = 10.0
MOST_ROUNDS: Final = 3
"""Session sizes are estimates; a ledger still too large after this many rounds has to wait for the next day."""


class Forgetting:
    """Forgets sessions, one request at a time."""

    def __init__(self, context: DaemonContext, publish_queue: PublishQueue, *, rescan: Callable[[], None]) -> None:
        """`rescan` compares the ledger's sources with the disk."""
        self._context = context
        self._ledger = context.ledger
        self._publish_queue = publish_queue
        self._rescan = rescan
        self._log = context.log
        self._one_at_a_time = asyncio.Lock()
        self._due = asyncio.Event()

    async def forget(self, selections: Sequence[Selection]) -> Erased:
        """Forgets what `selections` name, and returns once nothing of it is left. Raises LedgerUnavailable."""
        context = self._context
        async with self._one_at_a_time:
            done = await forget_sessions(
                self._ledger, context.paths, selections, context.config, self._publish, now_ms=context.now_ms
            )
            if self._is_left():
                self._due.set()
        self._log.info("forgotten", sessions=done.sessions, problems=len(done.problems))
        return done

    async def run(self) -> None:
        """Applies `[retention]` now and daily, until cancelled. Changed settings only restore what they allow again.

        Data that was forgotten but could not be erased, as on a full disk, is erased as soon as possible.
        """
        next_round = time.monotonic()
        while True:
            self._due.clear()
            try:
                await self._erase_the_rest()
                await self.bring_back()
                if time.monotonic() >= next_round:
                    next_round = time.monotonic() + DAY_S
                    await self.apply_retention()
            except LedgerUnavailable as trouble:
                self._log.error("retention_failed", trouble)
            left_s = next_round - time.monotonic()
            await wait_at_most(self._due, min(ERASE_AGAIN_S, left_s) if self._is_left() else left_s)

    def settings_changed(self) -> None:
        """Takes note that `[retention]` may have changed."""
        self._due.set()

    async def apply_retention(self) -> None:
        """Drops sessions that exceed the limits on age and size. Does nothing while paused."""
        limits = self._context.config.retention
        for _ in range(MOST_ROUNDS):
            dropped = await asyncio.to_thread(self._to_drop)
            if not dropped:
                return
            # First: an interruption in between only means that sources are read once too often.
            await self._ledger.write(keep_limits, msgspec.structs.asdict(limits))
            await self.forget(dropped)

    async def bring_back(self) -> None:
        """Has transcripts read again if `[retention]` has been loosened since sessions were dropped."""
        limits = self._context.config.retention
        since_ms = oldest_kept_ms(limits, self._context.now_ms())
        if await self._ledger.write(read_dropped_again, msgspec.structs.asdict(limits), since_ms=since_ms):
            self._log.info("retention_loosened")
            self._rescan()

    def _is_left(self) -> bool:
        return erase_mark(self._context.state.ledger).exists()

    async def _erase_the_rest(self) -> None:
        async with self._one_at_a_time:
            if self._is_left():
                await self._ledger.erase()

    def _to_drop(self) -> list[Selection]:
        config = self._context.config
        if config.paused:
            return []
        with self._context.read_ledger() as db:
            dropped = over_limits(db, config.retention, now_ms=self._context.now_ms())
        return [Selection(agent=session.agent, session=session.native_id, for_good=False) for session in dropped]

    async def _publish(self, again: Sequence[int], gone: Sequence[int]) -> Iterable[str]:
        """Publishes `again`, and awaits running publications of projects that are `gone`, so that none comes later."""
        try:
            async with asyncio.timeout(PUBLISH_S), asyncio.TaskGroup() as group:
                for project in (*again, *gone):
                    group.create_task(self._publish_queue.publish_now(project))
                group.create_task(self._publish_queue.flush())
        except TimeoutError:
            return ["Not every handoff could be written again in time. carryoverd keeps trying."]
        return []
