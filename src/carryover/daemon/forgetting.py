"""Forgets sessions while the daemon is the ledger's writer: as the user asks, and once a day by `[retention]`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from typing import Final

from carryover.config import Config
from carryover.daemon.log import Log
from carryover.daemon.publish_queue import PublishQueue
from carryover.daemon.retention import sessions_to_drop
from carryover.ledger.connect import connect_read_only, erase_mark
from carryover.ledger.ledger_errors import LedgerUnavailable
from carryover.ledger.queries import session_sizes, used_bytes
from carryover.ledger.selection import Selection
from carryover.ledger.store import Ledger
from carryover.publish.forgetting import Erased, forget_sessions
from carryover.publish.project_moves import StatePaths

DAY_S: Final = 86_400.0
ERASE_AGAIN_S: Final = 600.0
PUBLISH_S: Final = 10.0
MOST_ROUNDS: Final = 3
"""Sizes of sessions are estimates; a ledger that is still too large after so many rounds waits for the next day."""


class Forgetting:
    """See the module. One request at a time."""

    def __init__(
        self,
        ledger: Ledger,
        paths: StatePaths,
        publish_queue: PublishQueue,
        *,
        config: Callable[[], Config],
        log: Log,
        now_ms: Callable[[], int] = lambda: int(time.time() * 1000),
    ) -> None:
        self._ledger = ledger
        self._paths = paths
        self._publish_queue = publish_queue
        self._config = config
        self._log = log
        self._now_ms = now_ms
        self._one_at_a_time = asyncio.Lock()
        self._due = asyncio.Event()

    async def forget(self, selections: Sequence[Selection]) -> Erased:
        """Forgets what `selections` name; returns once nothing of it is left. Raises LedgerUnavailable."""
        async with self._one_at_a_time:
            done = await forget_sessions(
                self._ledger, self._paths, selections, self._config(), self._publish, now_ms=self._now_ms
            )
            if self._is_left():
                self._due.set()
        self._log.info("forgotten", sessions=done.sessions, problems=len(done.problems))
        return done

    async def run(self) -> None:
        """Applies `[retention]` now, once a day and after `settings_changed`, until cancelled.

        What was forgotten and could not be erased, as on a full disk, is erased as soon as that works.
        """
        while True:
            self._due.clear()
            try:
                await self._erase_the_rest()
                await self.apply_retention()
            except LedgerUnavailable as trouble:
                self._log.error("retention_failed", trouble)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), ERASE_AGAIN_S if self._is_left() else DAY_S)

    def settings_changed(self) -> None:
        """`[retention]` may be other than before."""
        self._due.set()

    async def apply_retention(self) -> None:
        """Drops the sessions that are too old or too many. Nothing while paused."""
        for _ in range(MOST_ROUNDS):
            dropped = await asyncio.to_thread(self._to_drop)
            if not dropped:
                return
            await self.forget(dropped)

    def _is_left(self) -> bool:
        return erase_mark(self._paths.ledger).exists()

    async def _erase_the_rest(self) -> None:
        async with self._one_at_a_time:
            if self._is_left():
                await self._ledger.erase()

    def _to_drop(self) -> list[Selection]:
        config = self._config()
        limits = config.retention
        if config.paused or (limits.max_age_days is None and limits.max_size_mb is None):
            return []
        with closing(connect_read_only(self._paths.ledger)) as db:
            sizes, used = session_sizes(db), used_bytes(db)
        dropped = sessions_to_drop(sizes, limits, used_bytes=used, now_ms=self._now_ms())
        return [Selection(agent=session.agent, session=session.native_id) for session in dropped]

    async def _publish(self, again: Sequence[int], gone: Sequence[int]) -> Iterable[str]:
        """Projects that are gone are taken up once more as well: after that, no earlier publication is under way."""
        try:
            async with asyncio.timeout(PUBLISH_S), asyncio.TaskGroup() as group:
                for project in (*again, *gone):
                    group.create_task(self._publish_queue.publish_now(project))
                group.create_task(self._publish_queue.flush())
        except TimeoutError:
            return ["Not every handoff could be written again in time. carryoverd keeps trying."]
        return []
