"""Writes the second pages of handoffs after the handoffs themselves, so that no handoff waits for one.

A page takes longer to make than a handoff, and no agent reads it while another is at work. So it is made when a turn
has ended or a session starts, else after `BETWEEN_PAGES_S`. While old history is read, each publication shows an older
turn's end than the next one, so there only the pages of projects in which a session has started are made, and what a
caller waits for: with 300 projects all others would take most of the processor's time.

No answer waits for one either: while sessions start, in any project, no page is begun unless a caller waits for it, as
`carryover forget` does for a page that shows a forgotten session.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

from carryover.daemon.context import DaemonContext
from carryover.daemon.work_queue import WorkQueue
from carryover.probe.looks import look_at
from carryover.publish.make import MadeHandoff
from carryover.publish.second_page import write_second_page

BETWEEN_PAGES_S: Final = 60.0
QUIET_S: Final = 1.0
"""How long no session must have started before a page is begun. No agent reads one so soon after its start."""
CAP_S: Final = 10.0
"""The longest that a page waits for that."""
_STEP_S: Final = 0.1
"""How often that is looked at."""


class SecondPages(WorkQueue[int]):
    """Writes the second pages of published projects, which are known by their ids.

    `in_history` tells whether old history is being read.
    """

    def __init__(
        self,
        context: DaemonContext,
        *,
        in_history: Callable[[], bool] = lambda: False,
        write: Callable[..., bool] = write_second_page,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(quiet_s=BETWEEN_PAGES_S, cap_s=BETWEEN_PAGES_S, clock=context.clock, waits=True)
        self._context = context
        self._pool = context.pool(1, "second-pages")
        self._in_history = in_history
        self._write_page = write
        self._sleep = sleep
        self._quiet_from_s = 0.0
        self._wanted: set[int] = set()
        """The projects in which a session has started, also before they had a handoff."""
        self.due: dict[int, MadeHandoff] = {}
        """The handoff of each project whose page is still to be made."""

    def published(self, project: int, made: MadeHandoff) -> None:
        """Takes note of a published handoff, whose second page is due at once unless an agent is at work or old history
        is being read."""
        if made.published.page is None:
            self.due.pop(project, None)
            return
        self.due[project] = made
        self.hint(project, urgent=not (made.at_work or self._in_history()))

    def want(self, project: int) -> None:
        """Makes the page that is due for a project, if any, since a session has started there."""
        self._quiet_from_s = self._clock() + QUIET_S
        self._wanted.add(project)
        if project in self.due:
            self.hint(project, urgent=True)

    async def make_since(self, before: Mapping[int, MadeHandoff]) -> None:
        """Makes the pages that are due and were not `before`, and awaits one that is being made."""
        new = [project for project, made in self.due.items() if before.get(project) is not made]
        await self.do_now([*new, *self._in_flight])

    async def handle(self, key: int) -> bool:
        """Writes the page of one project. After an error there is none until the project's next publication."""
        if key not in self.due:
            return False
        is_waited_for = key in self._wanted or self._served.get(key) or self._draining
        if self._in_history() and not is_waited_for:
            self.hint(key)
            return False
        await self._wait_for_quiet()
        made = self.due.pop(key, None)
        if made is None:
            return False
        try:
            work = partial(self._write, key, made)
            await asyncio.get_running_loop().run_in_executor(self._pool, look_at, made.root, work)
        except Exception as error:
            await self._context.ledger.report(error)
            self._context.log.error("second_page_failed", error, project=key)
        return False

    async def _wait_for_quiet(self) -> None:
        until_s = self._clock() + CAP_S
        while not (self._draining or self.is_awaited) and self._clock() < min(self._quiet_from_s, until_s):
            await self._sleep(_STEP_S)

    def _write(self, project: int, made: MadeHandoff) -> None:
        with self._context.read_ledger() as db:
            self._write_page(db, project, made, self._context.config)
