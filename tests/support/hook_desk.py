"""All that answers a hook, put together over a real ledger without a daemon around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from carryover.adapter.contract import Agent
from carryover.config import Config
from carryover.daemon.hooks.dispatch import Hooks
from carryover.daemon.hooks.session_start import SessionStarts
from carryover.daemon.ingest_queue import IngestQueue
from carryover.daemon.log import Log
from carryover.daemon.metrics import Meter
from carryover.daemon.publish_queue import PublishQueue
from carryover.facts import GitFacts
from carryover.ingest.scan import roots_of
from carryover.ingest.spool import Spool
from carryover.ledger.store import Ledger
from carryover.paths import StateDir
from carryover.publish.project_root import find_root
from carryover.publish.refresh import Refreshed, refresh


class HookDesk:
    """See the module. `hung` answers the hooks, `pool` does all else."""

    def __init__(
        self,
        agents: Mapping[str, Agent],
        ledger: Ledger,
        path: Path,
        home: Path,
        pool: Executor,
        hung: Executor,
        log: Log,
    ) -> None:
        clock = asyncio.get_running_loop().time
        root_of = partial(find_root, home=home)

        def remake(project: int, newest: bool, git: GitFacts | None, now_ms: int) -> Refreshed:
            return refresh(path, project, Config(), state=path.parent, home=home, now_ms=now_ms, newest=newest)

        self.publisher = PublishQueue(ledger, remake, active_days=lambda: 7, executor=pool, clock=clock, log=log)
        self.reading = IngestQueue(
            agents, ledger, root_of=root_of, on_read=self.publisher.mark_dirty, executor=pool, clock=clock, log=log
        )
        starts = SessionStarts(
            ledger,
            path,
            self.reading,
            self.publisher,
            config=Config,
            last_sweep_ms=lambda: None,
            started_in=lambda _project: None,
            later=lambda job: self.hooks.later(job),
            home=home,
            executor=pool,
        )
        self.meter = Meter()
        self.hooks = Hooks(
            agents,
            lambda: roots_of(agents.values(), home, {}),
            ledger,
            path,
            self.reading,
            self.publisher,
            starts,
            spool=Spool(StateDir(path.parent)),
            reads=lambda _agent: True,
            root_of=root_of,
            executor=hung,
            log=log,
            meter=self.meter,
        )

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Things are read, published and stored while the block lasts."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(part.run()) for part in (self.reading, self.publisher, self.hooks)]
            yield
            self.hooks.drain()
            await asyncio.wait({tasks[2]})
            self.reading.drain()
            self.publisher.drain()
