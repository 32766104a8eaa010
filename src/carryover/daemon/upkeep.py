"""Background work on recorded and published data after an upgrade or a change of settings.

It runs in small steps beside everything else; nothing that an agent waits for is queued behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from carryover.daemon.context import DaemonContext
from carryover.ledger.search_index import index_more
from carryover.publish.project_files import withdraw

PAUSE_S: Final = 0.05
"""Pause between two steps, for others that use the ledger."""

BUSY_PAUSE_S: Final = 1.0
"""Pause between two steps of indexing while transcripts are waiting to be read."""


class Upkeep:
    """Does the background work. `busy`: returns whether transcripts are waiting to be read."""

    def __init__(self, context: DaemonContext, *, busy: Callable[[], bool]) -> None:
        self._context = context
        self._ledger = context.ledger
        self._busy = busy
        self._log = context.log
        self._settings_changed = asyncio.Event()

    def settings_changed(self) -> None:
        """Has projects checked again for files that the settings no longer allow."""
        self._settings_changed.set()

    async def rebuild(self) -> None:
        """Refolds, one by one, the conversations that an earlier version of the program folded."""
        rebuilt = 0
        while await self._ledger.rebuild_outdated():
            rebuilt += 1
            await asyncio.sleep(PAUSE_S)
        if rebuilt:
            self._log.info("digests_rebuilt", threads=rebuilt)

    async def index_history(self) -> None:
        """Indexes, newest first, what was recorded before there was an index or before the ledger was repaired."""
        steps = 0
        while await self._ledger.write(index_more):
            steps += 1
            await asyncio.sleep(BUSY_PAUSE_S if self._busy() else PAUSE_S)
        if steps:
            self._log.info("history_indexed", steps=steps)

    async def withdraw(self) -> None:
        """Removes from projects what the settings no longer allow: now, and whenever they change."""
        while True:
            self._settings_changed.clear()
            done = await asyncio.to_thread(withdraw, self._context.state.root, self._context.config)
            if files := sum(len(project.files) for project in done):
                self._log.info("withdrawn", projects=len(done), files=files)
            await self._settings_changed.wait()
