"""What a session that starts gets: its project's handoff, after a short look at what is new on disk.

In a project where no session was seen before there is nothing to tell. Its files are made ready then, before the first
prompt, so that the pointers stand when the agent reads its instruction files.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, HookReading
from carryover.config import Config
from carryover.daemon.hook_paths import Transcript
from carryover.daemon.hook_sources import changed_of_late, is_told_elsewhere
from carryover.daemon.own_session import own_session
from carryover.daemon.placeholder import awaits_handoff
from carryover.daemon.publishing import Publisher
from carryover.daemon.reading import Reading
from carryover.daemon.siblings import changed_siblings
from carryover.facts import ProjectRoot
from carryover.ledger.queries import connect_read_only, published_git
from carryover.ledger.store import Ledger
from carryover.publish.answer import start_answer
from carryover.publish.project_root import AgentFolders

CATCH_UP_S: Final = 0.4
"""For reading what is new on disk. What is not read by then is not told."""

FOLLOW_S: Final = 0.2
"""For finding out that the project was moved here. Where that takes longer, its past is told at the next start."""


Job = Callable[[], Awaitable[None]]


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """A session that starts, its paths checked."""

    agent: Agent
    reading: HookReading
    transcript: Transcript | None
    project: ProjectRoot
    """Of the folder it starts in."""
    roots: tuple[Path, ...] = ()
    """Where its agent keeps transcripts."""


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    text: str | None
    project_id: int | None
    is_unprepared: bool
    """A handoff may lie in the project, and none does."""


class SessionStarts:
    """See the module.

    `follow` finds what was recorded of a project before it was moved. `started_in` is told of a project whose files are
    made ready, before they are. `later` takes what must not be given up when the time for the answer is over: a write
    to the ledger that is cancelled holds up whoever cancels it.
    """

    def __init__(
        self,
        ledger: Ledger,
        ledger_path: Path,
        reading: Reading,
        publisher: Publisher,
        *,
        config: Callable[[], Config],
        last_sweep_ms: Callable[[], int | None],
        started_in: Callable[[int], None],
        later: Callable[[Job], None],
        home: Path,
        executor: Executor,
        agents_own: AgentFolders | None = None,
        follow: Callable[[ProjectRoot], Awaitable[object]] | None = None,
    ) -> None:
        self._ledger = ledger
        self._ledger_path = ledger_path
        self._reading = reading
        self._publisher = publisher
        self._config = config
        self._last_sweep_ms = last_sweep_ms
        self._started_in = started_in
        self._later = later
        self._home = home
        self._agents_own = agents_own
        self._executor = executor
        self._follow = follow

    async def answer(self, start: Start, *, deadline: float) -> str | None:
        """The text for the session, None where it gets none. `deadline`: by the event loop's clock.

        Raises TimeoutError when it could not be made until then.
        """
        loop = asyncio.get_running_loop()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(min(deadline, loop.time() + CATCH_UP_S)):
                await self._catch_up(start)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(min(deadline, loop.time() + FOLLOW_S)):
                await self._find_past(start.project)
        async with asyncio.timeout_at(deadline):
            told = await loop.run_in_executor(self._executor, self._tell, start)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                await self._prepare(start, told)
        return told.text

    async def _catch_up(self, start: Start) -> None:
        if start.transcript is None or is_told_elsewhere(start.transcript):
            look = partial(changed_of_late, start.agent, start.transcript, start.roots, now_ms=_now_ms())
        else:
            look = partial(changed_siblings, start.agent, start.transcript, since_ms=self._last_sweep_ms())
        await self._reading.look_at(await asyncio.get_running_loop().run_in_executor(self._executor, look))

    async def _find_past(self, project: ProjectRoot) -> None:
        """Let what was recorded before the project was moved be found, unless that takes too long."""
        if self._follow is None:
            return
        found: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._later(partial(self._follow_and_say, self._follow, project, found))
        await found

    async def _follow_and_say(
        self, follow: Callable[[ProjectRoot], Awaitable[object]], project: ProjectRoot, found: asyncio.Future[None]
    ) -> None:
        try:
            await follow(project)
        finally:
            if not found.done():
                found.set_result(None)

    def _tell(self, start: Start) -> _Told:
        """Blocks; reads only."""
        with closing(connect_read_only(self._ledger_path)) as db:
            own = own_session(db, start.agent.id, start.reading.session, start.project.root)
            # A conversation that was compacted in its midst may have gone elsewhere by `cd` since it began.
            moved = start.reading.reason == "compact" and start.reading.cwd_moves
            project_id = own.project_id if moved else None
            project_id = project_id or own.here_id
            text = self._text(db, start, own.id, project_id) if project_id is not None else None
        is_unprepared = project_id == own.here_id and awaits_handoff(
            Path(start.project.root), self._config(), home=self._home, agents_own=self._agents_own
        )
        return _Told(text=text, project_id=project_id, is_unprepared=is_unprepared)

    def _text(self, db: sqlite3.Connection, start: Start, session: str, project_id: int) -> str | None:
        assert start.reading.reason is not None, "a start has a reason"
        return start_answer(
            db,
            project_id,
            self._config(),
            reason=start.reading.reason,
            session=session,
            idle_s=start.reading.idle_s,
            now_ms=_now_ms(),
            then=published_git(db, project_id),
            agents_own=self._agents_own,
        )

    async def _prepare(self, start: Start, told: _Told) -> None:
        if not told.is_unprepared:
            return
        known: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._later(partial(self._know, start.project, told.project_id, known))
        await self._publisher.publish_now(await known)

    async def _know(self, project: ProjectRoot, project_id: int | None, known: asyncio.Future[int]) -> None:
        """Let the ledger know `project`, and `known` its id, unless nobody waits for that any more."""
        if project_id is None:
            project_id = await self._ledger.know_project(project.root, project.main_root, now_ms=_now_ms())
        self._started_in(project_id)
        if known.done():
            self._publisher.urge([project_id], 0)
        else:
            known.set_result(project_id)


def _now_ms() -> int:
    return int(time.time() * 1000)
