"""Background work on the state folder, the ledger and published files, in small steps; also forgetting on request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from carryover.daemon.context import DaemonContext
from carryover.daemon.publish_queue import PublishQueue
from carryover.daemon.supervisor import wait_at_most
from carryover.errors import UserError
from carryover.ledger.connect import LedgerUnavailable, erase_mark
from carryover.ledger.queries import Selection
from carryover.ledger.search_index import index_more
from carryover.paths import StateDir
from carryover.publish.forgetting import Erased, forget_sessions
from carryover.publish.project_files import withdraw_everywhere

PAUSE_S: Final = 0.05
"""Pause between two steps, for others that use the ledger."""


async def bring_up_to_date(context: DaemonContext) -> None:
    """Gives what earlier versions recorded what this one needs: digests, then, newest first, an index."""
    rebuilt = 0
    while await context.ledger.rebuild_outdated():
        rebuilt += 1
        await asyncio.sleep(PAUSE_S)
    if rebuilt:
        context.log.info("digests_rebuilt", threads=rebuilt)
    steps = 0
    while await context.ledger.write(index_more):
        steps += 1
        await asyncio.sleep(PAUSE_S)
    if steps:
        context.log.info("history_indexed", steps=steps)


PUBLISH_S: Final = 10.0


class Forgetting:
    """Forgets sessions while the daemon writes the ledger, one request at a time."""

    def __init__(self, context: DaemonContext, publish_queue: PublishQueue) -> None:
        self._context = context
        self._publish_queue = publish_queue
        self._one_at_a_time = asyncio.Lock()

    async def forget(self, selection: Selection) -> Erased:
        """Forgets what `selection` names, and returns once nothing of it is left. Raises LedgerUnavailable."""
        context = self._context
        async with self._one_at_a_time:
            self._publish_queue.forget_texts()
            done = await forget_sessions(context.ledger, context.paths, selection, self._publish, now_ms=context.now_ms)
        context.log.info("forgotten", sessions=done.sessions, problems=len(done.problems))
        return done

    async def look_after(self) -> None:
        """Erases what is left of forgotten sessions."""
        try:
            async with self._one_at_a_time:
                if erase_mark(self._context.state.ledger).exists():
                    await self._context.ledger.erase()
        except LedgerUnavailable as trouble:
            self._context.log.error("not_erased", trouble)

    async def _publish(self, again: Sequence[int], gone: Sequence[int]) -> Iterable[str]:
        """Publishes `again`, and awaits running publications of projects that are `gone`, so that none comes later.
        A second page that was being made of what is forgotten is made again. All others that are still to be made, of
        whole old histories maybe, will be made of what is left."""
        due = dict(self._publish_queue.pages.due)
        try:
            async with asyncio.timeout(PUBLISH_S):
                await self._publish_queue.do_now([*again, *gone])
                await self._publish_queue.flush()
                await self._publish_queue.pages.make_since(due)
        except TimeoutError:
            return ["Not every handoff could be written again in time. carryoverd keeps trying."]
        return []


UPKEEP_S: Final = 60.0
_Part = Callable[[], Awaitable[None]]


async def look_after(context: DaemonContext, *parts: _Part, on_change: _Part) -> None:
    """Gives each of `parts` a turn every minute, and at once when settings have changed, until cancelled. `on_change`
    has one at the start and when they have changed.

    Raises what one part raised after the others had their turn.
    """
    seen = None
    while True:
        changed = context.config_changed
        due = parts if changed is seen else (on_change, *parts)
        done = await asyncio.gather(*[part() for part in due], return_exceptions=True)
        for failed in filter(None, done):
            raise failed
        seen = changed
        await wait_at_most(changed, UPKEEP_S)


async def withdraw_what_is_not_allowed(context: DaemonContext) -> None:
    """Removes what the settings no longer allow from projects."""
    done = await asyncio.to_thread(withdraw_everywhere, context.state.root, context.config)
    if files := sum(len(project.done) for project in done):
        context.log.info("withdrawn", projects=len(done), files=files)


CHECK_S: Final = 2.0
_SQLITE_HEADER_BYTES: Final = 100


class StateGuard:
    """Notices if the state folder is removed. The daemon then ends, since it would write into deleted files."""

    def __init__(self, state: StateDir) -> None:
        self._opened = {path: _identity(path) for path in (state.root, state.lock, state.ledger)}
        self._ledger = state.ledger

    def check(self) -> None:
        """Raises UserError if one of the files is gone or was replaced, or if the ledger was truncated."""
        for path, opened in self._opened.items():
            try:
                emptied = path == self._ledger and path.stat().st_size < _SQLITE_HEADER_BYTES
                same = _identity(path) == opened and not emptied
            except FileNotFoundError:
                same = False
            except OSError:  # permissions may come back, and the files are still open
                continue
            if not same:
                raise UserError(
                    f"{path} was removed, replaced or emptied while carryoverd was running. It stops now; what its "
                    "next start does not find, it reads again from the transcripts."
                )

    async def run(self) -> None:
        while True:
            await asyncio.sleep(CHECK_S)
            self.check()


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
