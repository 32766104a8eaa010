"""Assembles the daemon: what runs, how work is passed on, and in which order it stops.

watcher ----hints------> ingest queue x2 --projects--> publish queue x2 --when quiet--> second pages
rescanner --backlog------^ (one of them live only)     ^
hooks ------urgent-------+-----------------------------+      control socket and port: /health, /settle, /hook
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from carryover import __version__
from carryover.build import build
from carryover.config import settings_now
from carryover.daemon.commands import Handoffs, Imports, Moves, Syncing
from carryover.daemon.context import DaemonContext
from carryover.daemon.endpoints import HookPort, control_app, serving
from carryover.daemon.health import Health, ProjectHealth
from carryover.daemon.hooks.dispatch import HookAnswers
from carryover.daemon.log import Word
from carryover.daemon.own_page import OpenPage
from carryover.daemon.publish_queue import PUBLISHERS, LastPublication, PublishQueue
from carryover.daemon.reading import IngestQueue, Rescanner
from carryover.daemon.second_pages import SecondPages
from carryover.daemon.server import ConnectionLimiter
from carryover.daemon.supervisor import Supervisor, SystemdNotifier, together
from carryover.daemon.upkeep import Forgetting, StateGuard, bring_up_to_date, look_after, withdraw_what_is_not_allowed
from carryover.daemon.watcher import Watcher
from carryover.errors import UserError
from carryover.ingest.spool import Spool
from carryover.ledger.connect import LedgerDamaged
from carryover.ledger.queries import project_by_id, projects, unpublished
from carryover.ledger.rows import ProjectRow
from carryover.probe.git_command import git_trouble
from carryover.probe.looks import look_at, silent_folders
from carryover.projects.handoff_file import IN_PROJECT, PAGE, Published
from carryover.publish.make import MadeHandoff
from carryover.publish.project_view import UnknownProject
from carryover.publish.publish import publish_project

PROJECTS_SHOWN: Final = 50


class Daemon:
    """Connects the daemon's parts and runs them. Call `run` once, and `stop` to end it."""

    def __init__(
        self,
        context: DaemonContext,
        notifier: SystemdNotifier,
        *,
        page: OpenPage,
    ) -> None:
        self._context = context
        self._notifier = notifier
        self._started_ms, self._started_s = context.now_ms(), context.clock()
        self._stop_asked = asyncio.Event()
        self.stopped_by: signal.Signals | None = None
        self._moves = Moves(context, on_moved=lambda last_event_ms: self._publish_queue.seed(last_event_ms))
        self._page = page(context)
        self._second_pages = SecondPages(context, in_history=lambda: self._ingest_queue.has_backlog)
        self._publish_queue = PublishQueue(
            context, self._publish, before=self._moves.follow_known, pages=self._second_pages
        )
        self._imports = Imports(context, self._publish_queue)
        self._ingest_queue = IngestQueue(context, self._publish_queue)
        context.unread = lambda: self._ingest_queue.waiting
        spool = Spool(context.state)
        self._rescanner = Rescanner(context, self._ingest_queue, spool)
        self._forgetting = Forgetting(context, self._publish_queue)
        self._watcher = Watcher(context, context.folders, self._rescanner)
        # Separate and not recursive: a project may have many folders, and none of them contains a source.
        self._project_watcher = Watcher(context, context.projects, self._rescanner, deep=False)
        self._hooks = HookAnswers(context, self._ingest_queue, self._publish_queue, spool, self._moves)
        self._hook_port = HookPort(context, self._hooks, self._page)
        self._syncing = Syncing(context, publish=self._publish_unpublished)
        self._handoffs = Handoffs(context, self._moves, settle=self._settle)
        self._supervisor = Supervisor(context.log, on_failure=self._note_damage)

    async def run(self, *, once: bool, stopping: Callable[[], None]) -> bool:
        """Runs until `stop` or, with `once`, until all is read and published. Returns False if a vital task failed."""
        context = self._context
        try:
            try:
                await self._publish_unpublished()
            except Exception as error:
                await context.ledger.report(error)
                raise
            if once:
                await self._publish_queue.retry_missing()
            else:
                await asyncio.to_thread(self._hook_port.prepare)
            async with self._supervisor as supervisor:
                self._start(supervisor.start)
                waits = [
                    self._stop_asked.wait(),
                    supervisor.vital_failed.wait(),
                    *([self._settle_whole()] if once else []),
                ]
                async with asyncio.TaskGroup() as group:
                    ends = [group.create_task(wait) for wait in waits]
                    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                    for end in ends:
                        end.cancel()
                stopping()
                await self._notifier.send("STOPPING=1")
                await self._stop(supervisor)
        finally:
            self._page.close()
            for pool in context.pools:
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

    async def _note_damage(self, error: Exception) -> None:
        """Reports damage to the ledger, so that the guard ends the daemon: its next start repairs the ledger."""
        with suppress(LedgerDamaged):
            await self._context.ledger.report(error)

    def _start(self, start: Callable[..., None]) -> None:
        """Starts all tasks. When the daemon stops, they are cancelled at once, except for those that `_stop` names."""
        context, reads, publishes = self._context, self._ingest_queue.run, self._publish_queue.run
        keep_alive = partial(self._notifier.keep_alive, lambda: self._supervisor.healthy)
        guards = (StateGuard(context.state).run, context.ledger.wait_for_damage, keep_alive)
        withdraw = partial(withdraw_what_is_not_allowed, context)
        parts = (self._publish_queue.retry_missing, self._forgetting.look_after)
        start("publishers", together(*[publishes] * PUBLISHERS), vital=True)
        start("second-pages", self._second_pages.run)
        start("readers", together(partial(reads, live_only=True), reads), vital=True)
        start("guard", together(*guards), vital=True)
        start("rescanner", self._rescanner.run)
        start("watchers", together(self._watcher.run, self._project_watcher.run))
        start("server", together(self._serve, self._hook_port.run))
        start("hooks", self._hooks.run, vital=True)
        start("history", self._catch_up)
        start("upkeep", partial(look_after, context, *parts, on_change=withdraw))
        start("sync", self._syncing.run)

    async def _stop(self, supervisor: Supervisor) -> None:
        """Stops from front to back: changes already noticed are still read, and what was read is still published."""
        began = time.monotonic()
        await supervisor.stop(("server",))
        self._hooks.drain()
        await supervisor.stop(("hooks",), within_s=1.0)
        await supervisor.stop(supervisor.states.keys() - {"readers", "publishers", "second-pages"})
        self._ingest_queue.drain()
        await supervisor.stop(("readers",), within_s=3.0)
        self._publish_queue.drain()
        await supervisor.stop(("publishers",), within_s=3.0)
        self._second_pages.drain()
        await supervisor.stop(("second-pages",), within_s=1.0)
        self._context.log.info("stopped", ms=(time.monotonic() - began) * 1000)

    async def _catch_up(self) -> None:
        """Gives each project and what was recorded of it what earlier versions did not know of, then ends."""
        await self._moves.run()
        await bring_up_to_date(self._context)

    async def _publish_unpublished(self) -> None:
        """Publishes what a killed daemon or a sync stored but did not publish. Opens no file of any project."""
        queue = self._publish_queue

        def ask() -> tuple[list[ProjectRow], list[int]]:
            with self._context.read_ledger() as db:
                return projects(db), unpublished(db, since_ms=queue.oldest_active_ms)

        known, left = await asyncio.to_thread(ask)
        queue.seed({row.id: row.last_event_ms for row in known}, left)
        for row in known:
            if row.last_event_ms >= queue.oldest_active_ms:  # disks of inactive projects are not looked at later either
                file = Path(row.root, IN_PROJECT) if row.handoff_ms is not None else None
                page = file.with_name(PAGE) if file is not None else None  # if it names one
                before = Published(refusal=row.refusal, passing=row.refusal is not None, file=file, page=page)
                queue.outcomes.setdefault(row.id, LastPublication(published=before, root=row.root))

    async def _serve(self) -> None:
        limiter = ConnectionLimiter()
        app = control_app(
            self._context.log,
            limiter=limiter,
            health=self._health,
            settle=self._settle,
            hooks=self._hooks,
            moves=self._moves,
            imports=self._imports,
            forgetting=self._forgetting,
            syncing=self._syncing,
            page=self._page,
            handoffs=self._handoffs,
        )
        async with serving(app, self._context.state.socket, limiter):
            await self._notifier.send("READY=1")
            await asyncio.Event().wait()

    def _publish(self, project: int, now_ms: int, git_s: float) -> MadeHandoff:
        context, started = self._context, project in self._hooks.starts.prepared
        with context.read_ledger() as db:
            row = project_by_id(db, project)
        if row is None:
            raise UnknownProject(project)
        publish = partial(publish_project, context.paths, project, context.config, now_ms=now_ms)
        look = partial(publish, git_s=git_s, asked=context.asked, started=started)
        return look_at(row.root, look)

    async def _settle(self, root: str = "") -> bool:
        """Reads and publishes everything complete on disk, including the project at `root` if it is on this machine;
        returns whether all of it is stored. A caller that asks about one project does not wait for others that name it.
        """
        if root.startswith("/"):
            self._context.ask_about(root)
        await self._rescanner.rescan("settle", also_broken=True)
        await self._ingest_queue.settle()
        await (self._publish_queue.flush() if root else self._publish_queue.settle())
        return self._ingest_queue.ledger_trouble is None

    async def _settle_whole(self) -> None:
        """Settles, and waits for the second pages of the handoffs."""
        await self._settle()
        await self._second_pages.flush()

    async def _health(self) -> Health:
        context, watch = self._context, self._watcher.state
        now_ms = context.now_ms()
        return Health(
            version=__version__,
            build=build(),
            pid=os.getpid(),
            # The first includes the machine's sleep; only the second holds after the time of day was set back.
            uptime_s=max((now_ms - self._started_ms) / 1000, context.clock() - self._started_s),
            paused=context.config.paused,
            caught_up=context.last_rescan_ms is not None and self._ingest_queue.idle and self._publish_queue.idle,
            waiting_sources=context.unread(),
            last_sweep_ms=context.last_rescan_ms,
            sources=context.transcripts,
            broken_sources=self._ingest_queue.broken,
            watch=msgspec.structs.replace(watch, reason=watch.reason or self._project_watcher.state.reason),
            tasks=list(self._supervisor.states.values()),
            projects=await asyncio.to_thread(self._project_health, dict(self._publish_queue.outcomes)),
            hook_port=self._hook_port.state,
            hook_calls=dict(context.hook_calls),
            ledger_trouble=self._ingest_queue.ledger_trouble,
            git_trouble=git_trouble(),
            config_trouble=context.config_trouble,
            silent=silent_folders(),
        )

    def _project_health(self, outcomes: Mapping[int, LastPublication]) -> list[ProjectHealth]:
        with self._context.read_ledger() as db:
            rows = projects(db)[:PROJECTS_SHOWN]
        return [
            ProjectHealth(
                root=row.root,
                refusal=row.refusal,
                notes=outcome.published.notes,
                error=outcome.error,
                file=str(outcome.published.file) if outcome.published.file is not None else None,
            )
            for row, outcome in ((row, outcomes.get(row.id, LastPublication())) for row in rows)
        ]
