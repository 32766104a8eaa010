"""Forgets sessions while the daemon is the ledger's writer: as the user asks, and once a day by `[retention]`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

from carryover.config import RetentionConfig
from carryover.daemon.context import DaemonContext
from carryover.daemon.publish_queue import PublishQueue
from carryover.ingest.scan import MS_PER_DAY
from carryover.ledger.connect import erase_mark
from carryover.ledger.ledger_errors import LedgerUnavailable
from carryover.ledger.queries import SessionSize, session_sizes, used_bytes
from carryover.ledger.selection import Selection
from carryover.model import NOTE
from carryover.publish.forgetting import Erased, forget_sessions

DAY_S: Final = 86_400.0
ERASE_AGAIN_S: Final = 600.0
PUBLISH_S: Final = 10.0
_BYTES_PER_MB: Final = 1_000_000
MOST_ROUNDS: Final = 3
"""Sizes of sessions are estimates; a ledger that is still too large after so many rounds waits for the next day."""


class Forgetting:
    """See the module. One request at a time."""

    def __init__(
        self,
        context: DaemonContext,
        publish_queue: PublishQueue,
    ) -> None:
        self._context = context
        self._ledger = context.ledger
        self._publish_queue = publish_queue
        self._log = context.log
        self._one_at_a_time = asyncio.Lock()
        self._due = asyncio.Event()

    async def forget(self, selections: Sequence[Selection]) -> Erased:
        """Forgets what `selections` name; returns once nothing of it is left. Raises LedgerUnavailable."""
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
        return erase_mark(self._context.state.ledger).exists()

    async def _erase_the_rest(self) -> None:
        async with self._one_at_a_time:
            if self._is_left():
                await self._ledger.erase()

    def _to_drop(self) -> list[Selection]:
        config = self._context.config
        limits = config.retention
        if config.paused or (limits.max_age_days is None and limits.max_size_mb is None):
            return []
        with self._context.read_ledger() as db:
            sizes, used = session_sizes(db), used_bytes(db)
        dropped = sessions_to_drop(sizes, limits, used_bytes=used, now_ms=self._context.now_ms())
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


def sessions_to_drop(
    sessions: Iterable[SessionSize], limits: RetentionConfig, *, used_bytes: int, now_ms: int
) -> list[SessionSize]:
    """The sessions that `[retention]` drops: the oldest, but never the newest of a project. `used_bytes`: the ledger's
    size.

    A session of unknown age is dropped only for its size.
    """
    oldest_first = sorted(sessions, key=lambda session: session.last_ms)
    newest = {
        session.project_id: session
        for session in oldest_first
        if session.project_id is not None and session.agent != NOTE
    }
    kept = {(session.agent, session.native_id) for session in newest.values()}
    droppable = [session for session in oldest_first if (session.agent, session.native_id) not in kept]
    excess = used_bytes - limits.max_size_mb * _BYTES_PER_MB if limits.max_size_mb is not None else 0
    oldest_kept_ms = now_ms - limits.max_age_days * MS_PER_DAY if limits.max_age_days is not None else 0
    dropped = []
    for session in droppable:
        if 0 < session.last_ms < oldest_kept_ms or excess > 0:
            dropped.append(session)
            excess -= session.bytes
    return dropped
