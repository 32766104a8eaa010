"""Wires up the parts of the daemon that answer agents' hooks."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from aiohttp import web

from carryover.daemon.context import DaemonContext
from carryover.daemon.hooks.dispatch import Hooks, Pools
from carryover.daemon.hooks.guard import hook_secret
from carryover.daemon.hooks.http_app import ConnectionLimiter, HookPort, Port, port_app
from carryover.daemon.hooks.session_start import Follow
from carryover.daemon.ingest_queue import IngestQueue
from carryover.daemon.page_door import PageDoor
from carryover.daemon.publish_queue import PublishQueue
from carryover.ingest.scan import TranscriptRoot
from carryover.ingest.spool import Spool
from carryover.publish.answers import prune_answers
from carryover.publish.hook_script import write_hook_script
from carryover.publish.make import Refreshed
from carryover.publish.refresh import with_placeholder

THREADS: Final = 4


class HookWiring:
    """`calls` answers hooks, however they arrive; `port` accepts those over TCP, and has the `page` beside them.

    Close `page` and `pools` at the end.
    """

    def __init__(
        self,
        context: DaemonContext,
        roots: Callable[[], tuple[TranscriptRoot, ...]],
        ingest_queue: IngestQueue,
        publish_queue: PublishQueue,
        spool: Spool,
        follow: Follow,
    ) -> None:
        self.page = PageDoor(context)
        self._context = context
        self._secret = secrets.token_hex(32)
        self.pools = (
            ThreadPoolExecutor(THREADS, thread_name_prefix="hook"),
            ThreadPoolExecutor(THREADS, thread_name_prefix="start"),
        )
        self.calls = Hooks(context, roots, ingest_queue, publish_queue, spool, Pools(*self.pools), follow)
        self.port = HookPort(context, self._port_app)

    def prepare(self) -> None:
        """Creates what hooks need in the state folder: the secret and the script that sends it. Blocks."""
        state = self._context.state
        try:
            self._secret = hook_secret(state.secret)
            write_hook_script(state)
            prune_answers(state.root, self._context.config)
        except OSError as error:
            # A full disk must not prevent the start. With a secret that no hook knows, no call is accepted.
            self._context.log.error("hooks_not_prepared", error)

    def settings_changed(self) -> None:
        """Deletes the offline answers for projects that are now excluded."""
        self.calls.later(self._prune)

    async def _prune(self) -> None:
        await asyncio.to_thread(prune_answers, self._context.state.root, self._context.config)

    def completed(self, project: int, made: Refreshed) -> Refreshed:
        """Returns `made`, with the placeholder if a session has started and there is nothing to hand over. Blocks."""
        return with_placeholder(made, self._context.paths) if project in self.calls.starts.prepared else made

    def _port_app(self, limiter: ConnectionLimiter, port: Port) -> web.Application:
        return port_app(self.calls, self._secret, self._context.log, limiter=limiter, port=port, page=self.page)
