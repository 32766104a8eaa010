from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from carryover.adapter.contract import Agent, HookReading, StartReason
from carryover.config import Config
from carryover.daemon.hook_paths import Transcript
from carryover.daemon.log import Log
from carryover.daemon.publishing import Publisher
from carryover.daemon.reading import Reading
from carryover.daemon.session_start import Job, SessionStarts, Start
from carryover.facts import GitFacts
from carryover.ledger.store import Ledger
from carryover.publish.project_root import find_root
from carryover.publish.refresh import Refreshed, refresh
from support.claude_session import ClaudeSession


class Desk:
    """Sessions that start, over a real ledger. `jobs` is what was left to be done; `prepared` the projects told of."""

    def __init__(
        self, agents: dict[str, Agent], ledger: Ledger, path: Path, home: Path, pool: Executor, log: Log
    ) -> None:
        clock = asyncio.get_running_loop().time
        self.jobs: asyncio.Queue[Job] = asyncio.Queue()
        self.prepared: list[int] = []
        self.published: list[int] = []
        self.agent = agents["claude-code"]

        def remake(project: int, newest: bool, git: GitFacts | None, now_ms: int) -> Refreshed:
            self.published.append(project)
            return refresh(path, project, Config(), state=path.parent, home=home, now_ms=now_ms, newest=newest)

        self.publisher = Publisher(ledger, remake, active_days=lambda: 7, executor=pool, clock=clock, log=log)
        self.reading = Reading(
            agents, ledger, root_of=find_root, on_read=lambda *_: None, executor=pool, clock=clock, log=log
        )
        self.starts = SessionStarts(
            ledger,
            path,
            self.reading,
            self.publisher,
            config=Config,
            last_sweep_ms=lambda: None,
            started_in=self.prepared.append,
            later=self.jobs.put_nowait,
            home=home,
            executor=pool,
        )

    async def start(
        self, session: ClaudeSession, reason: StartReason = "startup", *, within_s: float = 20
    ) -> str | None:
        source = self.agent.source_of(session.path, session.folder)
        assert source is not None
        start = Start(
            agent=self.agent,
            reading=HookReading(
                meaning="start", session=session.session, cwd=str(session.cwd), cwd_moves=True, reason=reason
            ),
            transcript=Transcript(source, session.folder),
            project=find_root(str(session.cwd)),
        )
        return await self.starts.answer(start, deadline=asyncio.get_running_loop().time() + within_s)

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
async def desk(
    agents: dict[str, Agent], ledger: Ledger, ledger_path: Path, home: Path, pool: Executor, log: Log
) -> Desk:
    return Desk(agents, ledger, ledger_path, home, pool, log)


async def test_what_lies_unread_beside_the_new_transcript_is_read_first(desk: Desk, session: ClaudeSession) -> None:
    session.prompt("Add a discount function")
    (session.cwd / ".carryover").mkdir(mode=0o700)
    (session.cwd / ".carryover" / "handoff.md").write_text("an earlier handoff")
    async with desk.at_work():
        text = await desk.start(ClaudeSession(session.folder, session.cwd))

    assert "discount function" in str(text)
    assert (desk.prepared, desk.published) == ([], [])


async def test_while_nothing_can_be_read_the_answer_is_made_of_what_is_known(
    desk: Desk, session: ClaudeSession
) -> None:
    """Nobody reads here: that is as if the reader were busy for ever."""
    session.prompt("Add a discount function")
    async with desk.at_work():
        await desk.reading.look_at([desk.agent.source_of(session.path, session.folder)])  # type: ignore[list-item]
    session.prompt("Now paint it")

    text = await desk.start(ClaudeSession(session.folder, session.cwd), within_s=0.8)

    assert "discount function" in str(text)
    assert "paint" not in str(text)


async def test_an_answer_that_cannot_be_made_in_time_is_none_at_all(desk: Desk, session: ClaudeSession) -> None:
    with pytest.raises(TimeoutError):
        await desk.start(session, within_s=-1)


async def test_a_first_sessions_project_is_known_and_published_before_the_answer(
    desk: Desk, session: ClaudeSession
) -> None:
    async with desk.at_work(), asyncio.TaskGroup() as group:
        answer = group.create_task(desk.start(session))
        job = await desk.jobs.get()
        assert not answer.done()
        await job()

    assert (answer.result(), desk.prepared, desk.published) == (None, [1], [1])


async def test_where_that_takes_too_long_it_is_done_after_the_answer(desk: Desk, session: ClaudeSession) -> None:
    async with desk.at_work():
        assert await desk.start(session, within_s=0.5) is None
        assert desk.published == []
        await (await desk.jobs.get())()
        await desk.publisher.flush()

    assert (desk.prepared, desk.published) == ([1], [1])


async def test_a_session_that_the_ledger_knows_is_told_of_its_own_project_wherever_it_is_now(
    desk: Desk, session: ClaudeSession, home: Path
) -> None:
    session.prompt("Add a discount function")
    session.answer("Done. Next I will test it.")
    other = ClaudeSession(session.folder, home / "work" / "decoy")
    other.cwd.mkdir()
    other.prompt("Paint the decoy")
    async with desk.at_work():
        for known in (session, other):
            await desk.reading.look_at([desk.agent.source_of(known.path, known.folder)])  # type: ignore[list-item]
        moved = ClaudeSession(session.folder, other.cwd, session=session.session)
        text = await desk.start(moved, "compact")

    assert "discount function" in str(text)
    assert "decoy" not in str(text)
    assert desk.jobs.empty(), "nor is anything made ready in the other"
