"""All that answers a hook, put together over a real ledger without a daemon around it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest.mock import AsyncMock, create_autospec

from carryover.daemon.commands import Moves
from carryover.daemon.context import DaemonContext
from carryover.daemon.hooks.dispatch import HookAnswers
from carryover.daemon.publish_queue import PublishQueue
from carryover.daemon.reading import IngestQueue
from carryover.daemon.second_pages import SecondPages
from carryover.ingest.spool import Spool
from carryover.publish.make import MadeHandoff
from carryover.publish.publish import publish_project


class HookDesk:
    """See the module."""

    def __init__(self, context: DaemonContext) -> None:
        def remake(project: int, now_ms: int, _git_s: float) -> MadeHandoff:
            return publish_project(context.paths, project, context.config, now_ms=now_ms)

        self.counted = context.hook_calls
        pages, moves = (create_autospec(part, instance=True) for part in (SecondPages, Moves))
        self.publisher = PublishQueue(context, remake, before=AsyncMock(), pages=pages)
        self.reading = IngestQueue(context, self.publisher)
        self.hooks = HookAnswers(context, self.reading, self.publisher, Spool(context.state), moves)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(part.run()) for part in (self.reading, self.publisher, self.hooks)]
            yield
            self.hooks.drain()
            await asyncio.wait({tasks[2]})
            self.reading.drain()
            self.publisher.drain()


@asynccontextmanager
async def hanging(looks: asyncio.Semaphore) -> AsyncIterator[None]:
    """As many looks as there may be at once do not come back while the block lasts."""
    taken = 0
    while not looks.locked():
        await looks.acquire()
        taken += 1
    try:
        yield
    finally:
        for _ in range(taken):
            looks.release()
