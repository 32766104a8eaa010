from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from carryover.adapter.contract import HookAction, HookEvent, StartReason
from carryover.config import Config
from carryover.daemon.context import DaemonContext
from carryover.daemon.hooks.call import Call, Transcript
from carryover.daemon.hooks.session_start import Job, SessionStarts
from carryover.daemon.publish_queue import PublishQueue
from carryover.daemon.reading import IngestQueue
from carryover.facts import GitFacts
from carryover.projects.root import find_root
from carryover.publish.make import Refreshed
from carryover.publish.refresh import refresh
from support.claude_session import ClaudeSession


class Desk:
    """Sessions that start, over a real ledger. `jobs` is what was left to be done."""

    def __init__(self, context: DaemonContext, pool: Executor) -> None:
        self.jobs: asyncio.Queue[Job] = asyncio.Queue()
        self.published: list[int] = []
        self.agent = context.agents["claude-code"]

        def remake(project: int, newest: bool, _git: GitFacts | None, now_ms: int) -> Refreshed:
            self.published.append(project)
            return refresh(context.paths, project, Config(), now_ms=now_ms, newest=newest)

        self.publisher = PublishQueue(context, remake, pool)
        self.reading = IngestQueue(context, lambda *_: None, pool)
        self.starts = SessionStarts(context, self.reading, self.publisher, pool, later=self.jobs.put_nowait)

    async def start(
        self, session: ClaudeSession, reason: StartReason = "startup", *, within_s: float = 20
    ) -> str | None:
        start = self._call(session, "session_start", reason)
        return await self.starts.answer(start, deadline=asyncio.get_running_loop().time() + within_s)

    async def prompt(self, session: ClaudeSession) -> str | None:
        start = self._call(session, "prompt", None)
        return await self.starts.answer_prompt(start, deadline=asyncio.get_running_loop().time() + 20)

    def _call(self, session: ClaudeSession, action: HookAction, reason: StartReason | None) -> Call:
        return Call(
            agent=self.agent,
            reading=HookEvent(
                action=action, session=session.session, cwd=str(session.cwd), cwd_moves=True, reason=reason
            ),
            transcript=Transcript(session.source, session.folder),
            project=find_root(str(session.cwd)),
        )

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Things are read and published while the block lasts."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.reading.run())
            group.create_task(self.publisher.run())
            try:
                yield
            finally:
                self.reading.drain()
                self.publisher.drain()


@pytest.fixture
async def desk(context: DaemonContext, pool: Executor) -> Desk:
    return Desk(context, pool)


def given(root: Path) -> None:
    """The project has a handoff, so that none needs to be prepared."""
    (root / ".carryover").mkdir(mode=0o700)
    (root / ".carryover" / "handoff.md").write_text("an earlier handoff")


async def test_what_lies_unread_beside_the_new_transcript_is_read_first(desk: Desk, session: ClaudeSession) -> None:
    session.prompt("Add a discount function")
    given(session.cwd)
    async with desk.at_work():
        text = await desk.start(ClaudeSession(session.folder, session.cwd))

    assert "discount function" in str(text)
    assert (desk.starts.prepared, desk.published) == (set(), [])


async def test_a_start_whose_answer_the_client_does_not_use_is_answered_with_the_first_prompt(
    desk: Desk, session: ClaudeSession
) -> None:
    assert desk.agent.hooks is not None
    desk.agent = replace(desk.agent, hooks=replace(desk.agent.hooks, drops=frozenset(("clear",))))
    session.prompt("Add a discount function")
    given(session.cwd)
    cleared, other = ClaudeSession(session.folder, session.cwd), ClaudeSession(session.folder, session.cwd)
    async with desk.at_work():
        started = await desk.start(cleared, "clear")
        prompts = [await desk.prompt(each) for each in (other, cleared, cleared)]

    assert started is None
    assert [text is not None and "discount function" in text for text in prompts] == [False, True, False]


async def test_an_answer_that_cannot_be_made_in_time_is_none_at_all(desk: Desk, session: ClaudeSession) -> None:
    with pytest.raises(TimeoutError):
        await desk.start(session, within_s=-1)
