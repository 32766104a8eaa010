"""Imports documents that the user names into the ledger, for `carryover import`, while the daemon is running."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from carryover.daemon.context import DaemonContext
from carryover.daemon.ingest_queue import OnRead
from carryover.daemon.log import Word
from carryover.errors import UserError
from carryover.importing.document import open_document
from carryover.importing.take_in import Imported, take_in
from carryover.ledger.connect import LedgerUnavailable


class Imports:
    """Imports one document at a time, independently of the readers. Close `pool` at the end."""

    def __init__(
        self,
        context: DaemonContext,
        *,
        on_read: OnRead,
        published: Callable[[], Awaitable[None]],
    ) -> None:
        """`on_read` gets the changed projects and the newest event's time; `published` waits for their handoffs."""
        self._context = context
        self._on_read = on_read
        self._published = published
        self._one_at_a_time = asyncio.Lock()
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="import")

    async def take_in(self, path: str, project: str, agent_id: str, *, again: bool) -> Imported:
        """Imports the document at `path`. `project`, `agent_id`: as for `open_document`; empty if not given."""
        if self._context.config.paused:
            return Imported(problem="Carryover is paused, so nothing was imported.")
        async with self._one_at_a_time:
            loop = asyncio.get_running_loop()
            opened = partial(open_document, Path(path), project=project or None, agent_id=agent_id or None)
            try:
                document = await loop.run_in_executor(self.pool, opened)
            except UserError as error:
                return Imported(problem=str(error))
            try:
                result = await take_in(
                    self._context.ledger,
                    document,
                    again=again,
                    root_of=self._context.root_of,
                    now_ms=self._context.now_ms,
                    executor=self.pool,
                )
            except LedgerUnavailable as trouble:
                return Imported(problem=str(trouble))
        if result.projects:
            self._on_read(result.projects, result.newest_event_ms)
            await self._published()
        self._context.log.info("imported", agent=Word(document.agent.id), events=result.new_events)
        return Imported(new_events=result.new_events, forgotten=result.forgotten, problem=result.error)
