"""Writes the second pages of handoffs after the handoffs themselves, so that no handoff waits for one.

A page takes about as long to make as a handoff, and no agent reads it while another is at work. So it is made when a
turn has ended or a session starts, else once the project has been quiet for `PAGE_QUIET_S` or after `CAP_S`, and only
if anything has happened since the last one. In 8 recorded sessions that is once for 14 publications. While old history
is read, each publication shows an older turn's end than the next one, so there a page waits as if an agent were at
work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Final

import msgspec

from carryover.daemon.context import DaemonContext
from carryover.daemon.work_queue import WorkQueue
from carryover.fsio import is_there
from carryover.ledger.connect import LedgerDamaged
from carryover.probe.looks import Silent, look_at
from carryover.publish.make import Refreshed
from carryover.publish.second_page import write_second_page

PAGE_QUIET_S: Final = 60.0
CAP_S: Final = 300.0


class SecondPages(WorkQueue[int]):
    """Writes the second pages of published projects, which are known by their ids.

    `in_history` tells whether old history is being read.
    """

    def __init__(
        self,
        context: DaemonContext,
        executor: Executor,
        *,
        in_history: Callable[[], bool] = lambda: False,
        write: Callable[..., bool] = write_second_page,
    ) -> None:
        super().__init__(quiet_s=PAGE_QUIET_S, cap_s=CAP_S, clock=context.clock, waits=True)
        self._context = context
        self._executor = executor
        self._in_history = in_history
        self._write_page = write
        self._published: dict[int, tuple[Refreshed, int]] = {}
        """The handoff of each project whose page is due, and what that page is made of."""
        self._written: dict[int, int] = {}
        """What the page of each project was made of."""

    def published(self, project: int, made: Refreshed) -> None:
        """Takes note of a published handoff, whose second page is due at once unless an agent is at work or old history
        is being read."""
        if made.published.page is None:
            self._published.pop(project, None)
            self._written.pop(project, None)
        else:
            due, of = self._published.get(project), _made_of(made)
            self._published[project] = made, of
            goes_on = made.at_work or self._in_history()
            if not goes_on or due is None or due[1] != of:
                self.hint(project, urgent=not goes_on)

    def want(self, project: int) -> None:
        """Makes the page that is due for a project, if any, since a session starts there."""
        if project in self._published:
            self.hint(project, urgent=True)

    async def write_all_again(self) -> None:
        """Waits until no page is being made, and makes those that are due, whatever they were made of before."""
        self._written = {}  # not cleared: one that is being made may take note of itself only in the former
        await self.flush()

    async def handle(self, key: int) -> bool:
        """Writes the page of one project. After an error there is none until the project's next publication."""
        due, written = self._published.pop(key, None), self._written
        if due is None:
            return False
        made, of = due
        work = partial(self._write, key, made, is_same=written.get(key) == of)
        try:
            if await asyncio.get_running_loop().run_in_executor(self._executor, look_at, made.root, work):
                written[key] = of
        except LedgerDamaged:
            raise
        except Silent:
            self._context.log.warning("disk_silent", project=key)
        except Exception as error:
            await self._context.ledger.report(error)
            self._context.log.error("second_page_failed", error, project=key)
        return False

    def _write(self, project: int, made: Refreshed, *, is_same: bool) -> bool:
        """Returns whether the page is in place."""
        page = made.published.page
        if page is None or (is_same and is_there(page)):
            return page is not None
        with self._context.read_ledger() as db:
            return self._write_page(db, project, made, self._context.config)


def _made_of(made: Refreshed) -> int:
    """Returns a fingerprint of all that a page is made of but the state of git. Names in play only choose among the
    lines, and change with them."""
    assert made.handoff is not None, "a handoff was published"
    sections = tuple(section for section in made.handoff.sections if section.title != "Git context")
    return hash((made.others_ms, msgspec.structs.replace(made.handoff, head=None, sections=sections, names=())))
