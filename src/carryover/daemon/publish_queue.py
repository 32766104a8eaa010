"""Brings the handoffs of projects up to date after changes.

The first change after a quiet period is published immediately; bursts are merged. A project that cannot be published is
retried with a back-off and does not delay the others. The history of inactive projects only goes into the ledger:
nothing older than `publish.active_days` is ever published.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Executor
from typing import Final

import msgspec

from carryover.daemon.context import DaemonContext
from carryover.daemon.log import describe
from carryover.daemon.supervisor import delay_s
from carryover.daemon.work_queue import WorkQueue
from carryover.facts import GitFacts
from carryover.fsio import is_gone
from carryover.ingest.scan import MS_PER_DAY
from carryover.ledger.connect import LedgerDamaged
from carryover.projects.handoff_file import Published
from carryover.publish.make import Refreshed
from carryover.publish.project_view import UnknownProject

QUIET_S: Final = 0.3
CAP_S: Final = 0.5

RECHECK_S: Final = 60.0

Refresh = Callable[[int, bool, GitFacts | None, int], Refreshed]
"""Refreshes a project: its id, whether it changed last, its last known git facts, and the time in ms. Blocks."""


class Outcome(msgspec.Struct):
    """The result of a project's last publication."""

    published: Published = Published()
    failures: int = 0
    """Consecutive failures. `error` says why the last one failed, without content."""
    error: str | None = None
    git: GitFacts | None = None


class PublishQueue:
    """Publishes changed projects. Times of events are UTC ms."""

    def __init__(
        self,
        context: DaemonContext,
        refresh: Refresh,
        executor: Executor,
        *,
        before: Callable[[int], Awaitable[None]] | None = None,
        changed: Callable[[int], None] | None = None,
    ) -> None:
        """`before` is awaited before each publication of a project.

        `changed` is called for each project with new content: after its publication, or at once if it is not published.
        """
        self._context = context
        self._ledger = context.ledger
        self._refresh = refresh
        self._executor = executor
        self._log = context.log
        self._before = before
        self._changed = changed if changed is not None else lambda _project: None
        self._queue: WorkQueue[int] = WorkQueue(quiet_s=QUIET_S, cap_s=CAP_S, clock=context.clock)
        self._last_event_ms: dict[int, int] = {}
        self.outcomes: dict[int, Outcome] = {}
        """Outcomes by project, of those published since the start."""

    @property
    def idle(self) -> bool:
        """Whether nothing is waiting to be published or being published."""
        return self._queue.idle

    def seed(self, last_event_ms: dict[int, int]) -> None:
        """Sets the time of the last event of each project that the ledger knows."""
        self._last_event_ms.update(last_event_ms)

    def mark_dirty(self, projects: Iterable[int], event_ms: int, *, urgent: bool = False) -> None:
        """Marks `projects` as changed; the newest of their new events is at `event_ms`.

        `urgent`: publishes them without delay, since context may be lost, or the next turn may be another agent's.
        """
        context = self._context
        oldest_active_ms = context.now_ms() - context.config.publish.active_days * MS_PER_DAY
        for project in projects:
            newest_ms = self._last_event_ms[project] = max(event_ms, self._last_event_ms.get(project, 0))
            if urgent or newest_ms >= oldest_active_ms:
                self._queue.hint(project, urgent=urgent)
            else:
                self._changed(project)

    def mark_all_dirty(self) -> None:
        """Marks all known projects, after a change that affects all of them, such as a setting."""
        self.mark_dirty(list(self._last_event_ms), 0)

    async def keep_in_place(self) -> None:
        """Calls `retry_missing` every `RECHECK_S`, until cancelled."""
        while True:
            await asyncio.sleep(RECHECK_S)
            await self.retry_missing()

    async def retry_missing(self) -> None:
        """Marks projects whose refusal may have passed, and those whose handoff has been deleted."""
        self.mark_dirty(await asyncio.to_thread(_to_try_again, dict(self.outcomes)), 0)

    async def publish_now(self, project: int) -> None:
        """Publishes `project` once more, however old its last event is, and waits until that is done."""
        await self._queue.look_at([project])

    async def flush(self) -> None:
        """Waits until everything due now has been published."""
        await self._queue.flush()

    def drain(self) -> None:
        """Makes `run` end once everything waiting now is published."""
        self._queue.drain()

    async def run(self) -> None:
        """Publishes one project at a time until drained. Several of these may run concurrently."""
        while (project := await self._queue.take()) is not None:
            try:
                await self._publish(project)
            finally:
                self._queue.done(project)

    async def _publish(self, project: int) -> None:
        outcome = self.outcomes.setdefault(project, Outcome())
        started_ms, began_s = self._context.now_ms(), time.monotonic()
        moved_last = self._last_event_ms.get(project, 0) >= max(self._last_event_ms.values(), default=0)
        loop = asyncio.get_running_loop()
        try:
            if self._before is not None:
                await self._before(project)
            made = await loop.run_in_executor(
                self._executor, self._refresh, project, moved_last, outcome.git, started_ms
            )
            await self._ledger.set_published(project, made.sha, started_ms, made.published.refusal, made.git)
        except LedgerDamaged:
            raise
        except UnknownProject:
            self._last_event_ms.pop(project, None)
            self.outcomes.pop(project, None)
            self._changed(project)
            return
        except Exception as error:
            await self._ledger.report(error)
            # An error in one project, or in our handling of it, must not block the others.
            self._failed(project, outcome, error)
            return
        self._worked(project, outcome, made, took_ms=(time.monotonic() - began_s) * 1000)

    def _failed(self, project: int, outcome: Outcome, error: Exception) -> None:
        outcome.failures += 1
        outcome.error = describe(error)
        self._log.error("publish_failed", error, project=project, retry_s=delay_s(outcome.failures))
        self._queue.later(project, delay_s(outcome.failures))

    def _worked(self, project: int, outcome: Outcome, made: Refreshed, *, took_ms: float) -> None:
        if made.published.changed:
            self._log.info("published", project=project, ms=took_ms)
        if made.published.refusal is not None and made.published.refusal != outcome.published.refusal:
            self._log.info("not_published", project=project)
        self.outcomes[project] = Outcome(published=made.published, git=made.git or outcome.git)
        self._changed(project)


def _to_try_again(outcomes: dict[int, Outcome]) -> list[int]:
    last = ((project, outcome.published) for project, outcome in outcomes.items())
    return [project for project, done in last if done.passing or (done.file is not None and is_gone(done.file))]
