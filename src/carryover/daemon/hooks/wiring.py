"""Puts together the part of the daemon that agents' hooks talk to."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from aiohttp import web

from carryover.adapter.contract import Agent
from carryover.daemon.context import DaemonContext
from carryover.daemon.health import PortState
from carryover.daemon.hooks.dispatch import Hooks
from carryover.daemon.hooks.guard import hook_secret
from carryover.daemon.hooks.http_app import ConnectionLimiter, HookPort, Port, port_app
from carryover.daemon.hooks.session_start import SessionStarts, with_placeholder
from carryover.daemon.ingest_queue import IngestQueue
from carryover.daemon.log import Log
from carryover.daemon.metrics import Meter
from carryover.daemon.publish_queue import PublishQueue
from carryover.facts import ProjectRoot
from carryover.ingest.scan import TranscriptRoot
from carryover.ingest.spool import Spool
from carryover.ledger.store import Ledger
from carryover.publish.hook_script import write_hook_script
from carryover.publish.offline_answers import prune_answers
from carryover.publish.refresh import Refreshed

THREADS: Final = 4


class HookWiring:
    """`calls` answers hooks, whichever way they come; `port` takes those over TCP. Close `pools` in the end."""

    def __init__(
        self,
        context: DaemonContext,
        ledger: Ledger,
        agents: Mapping[str, Agent],
        roots: Callable[[], tuple[TranscriptRoot, ...]],
        ingest_queue: IngestQueue,
        publish_queue: PublishQueue,
        *,
        last_sweep_ms: Callable[[], int | None],
        follow: Callable[[ProjectRoot], Awaitable[object]],
        spool: Spool,
        log: Log,
        meter: Meter | None = None,
    ) -> None:
        self._context = context
        self._log = log
        self._secret = secrets.token_hex(32)
        self._ready_for_sessions: set[int] = set()
        # Of their own, so that answers which take their time keep no one-line call waiting.
        checks = ThreadPoolExecutor(THREADS, thread_name_prefix="hook")
        answers = ThreadPoolExecutor(THREADS, thread_name_prefix="start")
        self.pools = (checks, answers)
        starts = SessionStarts(
            ledger,
            context.state.ledger,
            ingest_queue,
            publish_queue,
            config=lambda: context.config,
            last_sweep_ms=last_sweep_ms,
            started_in=self._ready_for_sessions.add,
            later=lambda job: self.calls.later(job),
            home=context.home,
            agents_own=context.agents_own,
            executor=answers,
            follow=follow,
        )
        self.calls = Hooks(
            agents,
            roots,
            ledger,
            context.state.ledger,
            ingest_queue,
            publish_queue,
            starts,
            spool=spool,
            reads=context.reads,
            root_of=context.root_of,
            executor=checks,
            log=log,
            meter=meter,
        )
        self.port = HookPort(
            self._port_app,
            port=lambda: context.config.server.port,
            moved=context.config_changed,
            log=log,
        )

    @property
    def port_state(self) -> PortState:
        """Of the port for hooks."""
        return self.port.state

    def listening_on(self) -> int | None:
        """The port for hooks, None while there is none."""
        return self.port.state.port

    def prepare(self) -> None:
        """Bring what the agents' hooks need into the state folder: the secret, and the script that sends it. Blocks."""
        state = self._context.state
        try:
            self._secret = hook_secret(state.secret)
            write_hook_script(state)
            prune_answers(state.root, self._context.config)
        except OSError as error:
            # A full disk must not keep the daemon from starting. A secret that no hook knows admits none.
            self._log.error("hooks_not_prepared", error)

    def settings_changed(self) -> None:
        """Keep no answer for a project that is excluded by now."""
        self.calls.later(self._prune)

    async def _prune(self) -> None:
        await asyncio.to_thread(prune_answers, self._context.state.root, self._context.config)

    def completed(self, project: int, made: Refreshed) -> Refreshed:
        """A refresh, with the placeholder where a session has started and there is nothing to hand over. Blocks."""
        if project not in self._ready_for_sessions:
            return made
        return with_placeholder(made, home=self._context.home, agents_own=self._context.agents_own)

    def _port_app(self, limiter: ConnectionLimiter, port: Port) -> web.Application:
        return port_app(self.calls, self._secret, self._log, limiter=limiter, port=port)
