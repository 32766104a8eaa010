"""Tells the user on the desktop that an agent has just reached its usage limit, where `[notify] desktop` asks for it.

Only a limit of this moment is told: one that is read with the history, or that happened before this daemon began or
went on after a pause, is not. So nothing needs to be remembered for a restart to repeat nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import PurePath
from typing import Final

from carryover.agents import agent_names
from carryover.daemon.log import Log
from carryover.daemon.surroundings import Surroundings
from carryover.distill.sections.limit import Limit, command
from carryover.publish.refresh import Refreshed

JUST_NOW_MS: Final = 120_000
SAME_MS: Final = 900_000
"""A hook and the transcript tell one limit at slightly different times, and who tries again soon meets it again."""
_NAME_CHARS: Final = 60
_MOST_WAITING: Final = 20

ShowNotice = Callable[[str, str], str | None]
"""Title and text; why it could not be shown, or None. Blocks."""


class LimitNotices:
    """See the module. `run` shows what `consider` found worth telling."""

    def __init__(
        self,
        surroundings: Surroundings,
        show: ShowNotice,
        *,
        log: Log,
        now_ms: Callable[[], int] = lambda: int(time.time() * 1000),
    ) -> None:
        self._around = surroundings
        self._show = show
        self._log = log
        self._now_ms = now_ms
        self._since_ms = now_ms()
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[tuple[str, Limit]] = asyncio.Queue()
        self._told_ms: dict[tuple[str, str], int] = {}
        self._troubles: set[str] = set()

    def begin_anew(self) -> None:
        """Settings have changed: what happened until now is not told any more."""
        self._since_ms = self._now_ms()

    def consider(self, made: Refreshed) -> None:
        """A project's handoff was made. From any thread; returns at once."""
        limit = made.handoff.limit if made.handoff is not None else None
        if limit is None or made.settings.excluded or not self._wanted:
            return
        if limit.at_ms < max(self._since_ms, self._now_ms() - JUST_NOW_MS):
            return
        with suppress(RuntimeError):  # the daemon has ended meanwhile
            self._loop.call_soon_threadsafe(self._enqueue, made.root, limit)

    async def run(self) -> None:
        """Show one notice after the other."""
        while True:
            root, limit = await self._waiting.get()
            if self._wanted:
                self._note(await asyncio.to_thread(self._show, *notice(root, limit)))
            self._waiting.task_done()

    async def flush(self) -> None:
        """Wait until all that was considered has been shown."""
        await asyncio.sleep(0)  # what another thread considered comes by way of the loop
        await self._waiting.join()

    @property
    def _wanted(self) -> bool:
        config = self._around.config
        return config.notify.desktop and not config.paused

    def _enqueue(self, root: str, limit: Limit) -> None:
        key = (root, limit.agent)
        if limit.at_ms - self._told_ms.get(key, 0) >= SAME_MS and self._waiting.qsize() < _MOST_WAITING:
            self._told_ms[key] = limit.at_ms
            self._waiting.put_nowait((root, limit))

    def _note(self, trouble: str | None) -> None:
        if trouble is None:
            self._log.info("limit_notice_shown")
        elif trouble not in self._troubles:
            self._troubles.add(trouble)
            self._log.warning("limit_notice_not_shown", reason=trouble)


def notice(root: str, limit: Limit) -> tuple[str, str]:
    """Title and text. They name the agent, the project's folder and the command, and nothing of the task."""
    folder = "".join(sign if sign.isprintable() else " " for sign in PurePath(root).name)[:_NAME_CHARS]
    elsewhere = f": {command(limit.others[0])}" if limit.others else ""
    return f"{agent_names().get(limit.agent, limit.agent)} reached its usage limit", f"In {folder}{elsewhere}"
