"""Assembles the daemon: what runs, how work is passed on, and in which order it stops.

    watcher ----hints------> ingest queue x2 --projects--> publish queue x2
    rescanner --backlog------^ (one of them live only)     ^
    hooks ------urgent-------+-------provisional-----------+      control socket and port: /health, /settle, /hook

It stops from front to back (`End`). The caller closes the ledger.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from carryover import __version__
from carryover.config import settings_now
from carryover.daemon.commands import Imports, Moves, Syncing
from carryover.daemon.context import DaemonContext
from carryover.daemon.endpoints import Answers, HookPort, PageDoor, control_app, serving
from carryover.daemon.health import Health, ProjectHealth, Settled
from carryover.daemon.hooks.dispatch import Hooks, Pools
from carryover.daemon.limit_notice import LimitNotices, show_notice
from carryover.daemon.log import Word
from carryover.daemon.publish_queue import Outcome, PublishQueue
from carryover.daemon.reading import IngestQueue, Rescanner
from carryover.daemon.server import ConnectionLimiter
from carryover.daemon.supervisor import OnCrash, Run, Supervisor, SystemdNotifier
from carryover.daemon.upkeep import Forgetting, StateGuard, index_history, keep_withdrawn, rebuild
from carryover.daemon.watcher import Watcher
from carryover.errors import UserError
from carryover.facts import GitFacts
from carryover.fsio import is_gone
from carryover.ingest.scan import MS_PER_DAY
from carryover.ingest.spool import Spool
from carryover.ledger.connect import LedgerDamaged, LedgerUnavailable
from carryover.ledger.provisional import forget_provisional
from carryover.ledger.queries import ProjectRow, projects, unpublished
from carryover.projects.handoff_file import IN_PROJECT
from carryover.publish.answers import prune_answers
from carryover.publish.make import Refreshed
from carryover.publish.refresh import refresh, refused_before_work, with_placeholder

READERS: Final = 2
LIVE_READERS: Final = 1
"""Number of readers that never read history, only what was just written."""
PUBLISHERS: Final = 2
"""Two, so that one project on a hanging disk does not block the others."""
HOOK_THREADS: Final = 4

PROJECTS_SHOWN: Final = 50
PROVISIONAL_DAYS: Final = 7


class End(Enum):
    """Shutdown phases, in order: changes already noticed are still read, and what was read is still published."""

    FRONT = auto()
    HOOKS = auto()
    WORK = auto()
    READING = auto()
    PUBLISHING = auto()


FINISH_S: Final = {End.HOOKS: 1.0, End.READING: 3.0, End.PUBLISHING: 3.0}
"""How long tasks may take to finish in each phase before they are cancelled."""


class Task(NamedTuple):
    """A task of the daemon. For `run` and `vital`, see `Supervisor.start`."""

    name: str
    run: Run
    vital: bool = False
    ends: End | None = End.WORK
    """The phase in which it ends; None if it runs as long as the process."""


class Daemon:
    """Connects the daemon's parts and runs them. Call `run` once, and `stop` to end it."""

    def __init__(self, context: DaemonContext, notifier: SystemdNotifier, *, on_crash: OnCrash) -> None:
        self._context = context
        self._notifier = notifier
        self._started_ms = context.now_ms()
        self._stop_asked = asyncio.Event()
        self.stopped_by: signal.Signals | None = None
        """The signal that asked it to stop."""
        pool = context.pool
        self._moves = Moves(context, on_moved=self._moved)
        self._page = PageDoor(context)
        self._publish_queue = PublishQueue(
            context,
            self._refresh,
            pool(PUBLISHERS, "publish"),
            before=self._moves.follow_known,
            changed=self._page.changed,
        )
        changed = self._publish_queue.mark_dirty
        self._imports = Imports(context, on_read=changed, published=self._publish_queue.flush)
        self._ingest_queue = IngestQueue(context, changed, pool(READERS, "read"))
        spool = Spool(context.state)
        self._rescanner = Rescanner(context, self._ingest_queue, spool)
        self._forgetting = Forgetting(
            context, self._publish_queue, rescan=partial(self._rescanner.request, "retention")
        )
        hear = (self._ingest_queue.read_soon, self._rescanner.request)
        self._watcher = Watcher(context, context.roots.folders, *hear)
        # Separate and not recursive: a project may have many folders, and none of them contains a source.
        self._project_watcher = Watcher(context, context.roots.projects, *hear, deep=False)
        pools = Pools(pool(HOOK_THREADS, "hook"), pool(HOOK_THREADS, "start"))
        self._hooks = Hooks(context, self._ingest_queue, self._publish_queue, spool, pools, self._moves.follow)
        self._hook_port = HookPort(context, self._hooks, self._page)
        self._syncing = Syncing(context, publish=self._publish_unpublished)
        self._notices = LimitNotices(context, partial(show_notice, env=context.env))
        self._supervisor = Supervisor(context.log, on_crash=on_crash, on_failure=self._note_damage)

    async def run(self, *, once: bool, stopping: Callable[[], None]) -> bool:
        """Runs until `stop` is called or, with `once`, until everything on disk is read and published.

        Calls `stopping` when shutdown begins. Returns False if a vital task failed.
        """
        await self._expire_provisional()
        await self._publish_unpublished()
        if not once:
            await asyncio.to_thread(self._hook_port.prepare)
        try:
            async with self._supervisor as supervisor:
                tasks = list(self._tasks())
                for task in tasks:
                    supervisor.start(task.name, task.run, vital=task.vital)
                waits = [self._stop_asked.wait(), supervisor.vital_failed.wait(), *([self._settle()] if once else [])]
                await _first_of(waits)
                stopping()
                await self._notifier.send("STOPPING=1")
                await self._stop(supervisor, tasks)
        finally:
            self._page.close()
            for pool in self._context.pools:
                await asyncio.to_thread(pool.shutdown, cancel_futures=True)
        return not supervisor.vital_failed.is_set()

    def stop(self, number: signal.Signals) -> None:
        """Makes `run` end."""
        if self.stopped_by is None:
            self.stopped_by = number
            self._context.log.info("stopping", signal=Word(number.name))
            self._stop_asked.set()

    def reload(self) -> None:
        """Reads the settings again and applies them."""
        context = self._context
        try:
            context.use(settings_now(context.state))
        except UserError as error:
            # A pause applies all the same; all other settings stay as they were.
            context.use(msgspec.structs.replace(context.config, paused=context.state.paused.exists()))
            context.config_trouble = str(error)
            context.log.error("config_refused", error)
        else:
            context.log.info("config_read", paused=context.config.paused)
        self._watcher.restart()
        self._project_watcher.restart()
        self._rescanner.request("settings")
        self._publish_queue.mark_all_dirty()
        self._hooks.later(self._prune_answers)
        self._notices.ignore_earlier()
        self._forgetting.settings_changed()
        self._page.settings_changed()

    async def _prune_answers(self) -> None:
        """Deletes the offline answers for projects that are now excluded."""
        await asyncio.to_thread(prune_answers, self._context.state.root, self._context.config)

    async def _note_damage(self, error: Exception) -> None:
        """Reports damage to the ledger, so that the guard ends the daemon: its next start repairs the ledger."""
        with suppress(LedgerDamaged):
            await self._context.ledger.report(error)

    def _tasks(self) -> Iterator[Task]:
        for n in range(PUBLISHERS):
            yield Task(f"publisher-{n + 1}", self._publish_queue.run, vital=True, ends=End.PUBLISHING)
        for n in range(READERS):
            read = partial(self._ingest_queue.run, live_only=n < LIVE_READERS)
            yield Task(f"reader-{n + 1}", read, vital=True, ends=End.READING)
        context, busy = self._context, lambda: not self._ingest_queue.idle
        yield Task("state-guard", StateGuard(context.state).run, vital=True)
        yield Task("ledger-guard", context.ledger.wait_for_damage, vital=True)
        yield Task("rescanner", self._rescanner.run)
        yield Task("watcher", self._watcher.run)
        yield Task("project-watcher", self._project_watcher.run)
        yield Task("control", self._serve, ends=End.FRONT)
        yield Task("hooks", self._hooks.run, vital=True, ends=End.HOOKS)
        yield Task("hook-port", self._hook_port.run, ends=End.FRONT)
        yield Task("rebuild", partial(rebuild, context))
        yield Task("search-index", partial(index_history, context, busy=busy))
        yield Task("limit-notice", self._notices.run)
        yield Task("moves", self._moves.run)
        yield Task("sync", self._syncing.run)
        yield Task("retention", self._forgetting.run)
        yield Task("withdrawal", partial(keep_withdrawn, context))
        yield Task("keep-in-place", self._publish_queue.keep_in_place)
        if self._notifier.watchdog_s is not None:
            yield Task("watchdog", partial(self._notifier.keep_alive, lambda: self._supervisor.healthy), ends=None)

    async def _stop(self, supervisor: Supervisor, tasks: Sequence[Task]) -> None:
        began = time.monotonic()
        drain: dict[End, Callable[[], None]] = {
            End.HOOKS: self._hooks.drain,
            End.READING: self._ingest_queue.drain,
            End.PUBLISHING: self._publish_queue.drain,
        }
        for end in End:
            if end in drain:
                drain[end]()
            within_s = FINISH_S.get(end, 0.0)
            stopping = (supervisor.stop(task.name, within_s=within_s) for task in tasks if task.ends is end)
            await asyncio.gather(*stopping)
        self._context.log.info("stopped", ms=(time.monotonic() - began) * 1000)

    async def _publish_unpublished(self) -> None:
        """Publishes what a killed daemon stored but did not publish, earlier refusals, and handoffs deleted since."""
        oldest_active_ms = self._context.now_ms() - self._context.config.publish.active_days * MS_PER_DAY

        def ask() -> tuple[list[ProjectRow], list[int]]:
            with self._context.read_ledger() as db:
                known = projects(db)
                to_repair = [row.id for row in known if row.last_event_ms >= oldest_active_ms and _lacks_handoff(row)]
                return known, list(dict.fromkeys((*unpublished(db, since_ms=oldest_active_ms), *to_repair)))

        known, left = await asyncio.to_thread(ask)
        last_event_ms = {row.id: row.last_event_ms for row in known}
        self._publish_queue.seed(last_event_ms)
        for project in left:
            self._publish_queue.mark_dirty([project], last_event_ms.get(project, 0))

    async def _serve(self) -> None:
        limiter = ConnectionLimiter()
        answers = Answers(
            health=self._health,
            settle=self._settle,
            hooks=self._hooks,
            moves=self._moves,
            imports=self._imports,
            forgetting=self._forgetting,
            syncing=self._syncing,
            page=self._page,
        )
        app = control_app(answers, self._context.log, limiter=limiter, port=lambda: self._hook_port.state.port)
        async with serving(app, self._context.state.socket, limiter):
            await self._notifier.send("READY=1")
            await asyncio.Event().wait()

    async def _expire_provisional(self) -> None:
        """Removes events that a hook reported and no transcript has confirmed: their session was killed."""
        context = self._context
        try:
            await context.ledger.write(forget_provisional, before_ms=context.now_ms() - PROVISIONAL_DAYS * MS_PER_DAY)
        except LedgerUnavailable as trouble:
            context.log.error("ledger_unavailable", trouble)

    def _refresh(self, project: int, moved_last: bool, git: GitFacts | None, now_ms: int) -> Refreshed:
        context = self._context
        with context.read_ledger() as db:
            refused = refused_before_work(db, project, context.config, asked=context.roots.asked)
        if refused is not None:
            return refused
        made = refresh(context.paths, project, context.config, now_ms=now_ms, last_git=git, newest=moved_last)
        self._notices.consider(made)
        # A session has started and there is nothing to hand over: its file says so.
        return with_placeholder(made, context.paths) if project in self._hooks.starts.prepared else made

    def _moved(self, last_event_ms: Mapping[int, int]) -> None:
        self._publish_queue.seed(last_event_ms)
        self._publish_queue.mark_dirty(last_event_ms, 0)

    async def _settle(self, root: str = "") -> Settled:
        """Reads and publishes everything complete on disk, with the project at `root` if it is one of this machine."""
        if root.startswith("/"):
            self._context.roots.add(root)
        await self._rescanner.rescan("settle", also_broken=True)
        await self._ingest_queue.settle()
        await self._publish_queue.flush()
        trouble = self._ingest_queue.ledger_trouble
        return Settled(caught_up=trouble is None, ledger_trouble=trouble)

    async def _health(self) -> Health:
        context = self._context
        now_ms = context.now_ms()
        return Health(
            version=__version__,
            pid=os.getpid(),
            started_ms=self._started_ms,
            uptime_s=(now_ms - self._started_ms) / 1000,
            rss_bytes=_rss_bytes(),
            paused=context.config.paused,
            caught_up=context.last_rescan_ms is not None and self._ingest_queue.idle and self._publish_queue.idle,
            waiting_sources=self._ingest_queue.waiting,
            last_sweep_ms=context.last_rescan_ms,
            sources=self._rescanner.sources,
            broken_sources=self._ingest_queue.broken,
            watch=self._watcher.state,
            tasks=self._supervisor.states(),
            projects=await asyncio.to_thread(self._project_health, dict(self._publish_queue.outcomes)),
            hook_port=self._hook_port.state,
            hook_calls=context.meter.hook_counts(),
            metrics=context.meter.metrics(),
            ledger_trouble=self._ingest_queue.ledger_trouble,
            config_trouble=context.config_trouble,
        )

    def _project_health(self, outcomes: Mapping[int, Outcome]) -> list[ProjectHealth]:
        with self._context.read_ledger() as db:
            rows = projects(db)[:PROJECTS_SHOWN]
        return [_project_health(row, outcomes.get(row.id, Outcome())) for row in rows]


def _project_health(row: ProjectRow, outcome: Outcome) -> ProjectHealth:
    return ProjectHealth(
        root=row.root,
        last_handoff_ms=row.handoff_ms,
        refusal=row.refusal,
        notes=outcome.published.notes,
        error=outcome.error,
        file=str(outcome.published.file) if outcome.published.file is not None else None,
    )


def _lacks_handoff(row: ProjectRow) -> bool:
    return row.refusal is not None or (row.handoff_ms is not None and is_gone(Path(row.root, IN_PROJECT)))


def _rss_bytes() -> int | None:
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    except OSError:
        return None
    return pages * resource.getpagesize()


async def _first_of(waits: Iterable[Coroutine[Any, Any, object]]) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(wait) for wait in waits]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
