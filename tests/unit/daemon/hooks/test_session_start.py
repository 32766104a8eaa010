from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from carryover.adapter.contract import Agent, HookAction, HookEvent, StartReason
from carryover.config import Config, ProjectSettings, PublishConfig
from carryover.daemon.hooks import session_start
from carryover.daemon.hooks.session_start import (
    Job,
    SessionStarts,
    Start,
    awaits_handoff,
    with_placeholder,
)
from carryover.daemon.hooks.validate import Transcript
from carryover.daemon.ingest_queue import IngestQueue
from carryover.daemon.log import Log
from carryover.daemon.publish_queue import PublishQueue
from carryover.distill.header import PLACEHOLDER
from carryover.facts import GitFacts
from carryover.ledger.store import Ledger
from carryover.publish.answer import start_answer
from carryover.publish.project_files import Published
from carryover.publish.project_root import find_root
from carryover.publish.refresh import Refreshed, refresh
from carryover.redact import CleanText
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

        self.publisher = PublishQueue(ledger, remake, active_days=lambda: 7, executor=pool, clock=clock, log=log)
        self.reading = IngestQueue(
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
        start = self._call(session, "session_start", reason)
        return await self.starts.answer(start, deadline=asyncio.get_running_loop().time() + within_s)

    async def prompt(self, session: ClaudeSession) -> str | None:
        start = self._call(session, "prompt", None)
        return await self.starts.answer_prompt(start, deadline=asyncio.get_running_loop().time() + 20)

    def _call(self, session: ClaudeSession, action: HookAction, reason: StartReason | None) -> Start:
        source = self.agent.source_of(session.path, session.folder)
        assert source is not None
        return Start(
            agent=self.agent,
            reading=HookEvent(
                action=action, session=session.session, cwd=str(session.cwd), cwd_moves=True, reason=reason
            ),
            transcript=Transcript(source, session.folder),
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
async def desk(
    agents: dict[str, Agent], ledger: Ledger, ledger_path: Path, home: Path, pool: Executor, log: Log
) -> Desk:
    return Desk(agents, ledger, ledger_path, home, pool, log)


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


async def test_one_that_was_begun_too_early_is_made_again(desk: Desk, session: ClaudeSession) -> None:
    given(session.cwd)
    session.prompt("Add a discount function")
    async with desk.at_work():
        assert "discount function" in str(await desk.start(ClaudeSession(session.folder, session.cwd)))
        session.prompt("Now paint it")
        assert "paint" in str(await desk.start(ClaudeSession(session.folder, session.cwd)))


async def test_sessions_that_start_at_once_share_the_work_for_their_answers(
    desk: Desk, session: ClaudeSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def count(*args: Any, **kwargs: Any) -> CleanText | None:
        made.append(kwargs["session"])
        return start_answer(*args, **kwargs)

    monkeypatch.setattr(session_start, "start_answer", count)
    session.prompt("Add a discount function")
    given(session.cwd)
    async with desk.at_work():
        await desk.reading.look_at([desk.agent.source_of(session.path, session.folder)])  # type: ignore[list-item]
        texts = await asyncio.gather(*(desk.start(ClaudeSession(session.folder, session.cwd)) for _ in range(16)))
        shared = len(made)
        compacted = await asyncio.gather(*(desk.start(session, "compact") for _ in range(3)))

    assert ["discount function" in str(text) for text in texts] == [True] * 16
    assert shared < 8, "each starts for itself"
    assert len(made) - shared == len(compacted), "a session with a past gets its own answer"


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


async def test_a_session_that_the_ledger_knows_is_informed_of_its_own_project_wherever_it_is_now(
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


@pytest.fixture
def root(home: Path) -> Path:
    root = home / "work" / "shop"
    root.mkdir(parents=True)
    return root


def refreshed(root: Path, *, text: str | None = None, settings: ProjectSettings | None = None) -> Refreshed:
    return Refreshed(
        root=str(root),
        settings=settings or ProjectSettings(),
        handoff=None,
        text=CleanText(text) if text else None,
        git=None,
    )


def handoff(root: Path) -> Path:
    return root / ".carryover" / "handoff.md"


def test_a_project_without_a_handoff_gets_the_placeholder_and_the_pointers(root: Path, home: Path) -> None:
    assert awaits_handoff(root, Config(), home=home)

    made = with_placeholder(refreshed(root), home=home)

    assert made.published == Published(
        changed=True, file=Path(made.root) / ".carryover" / "handoff.md", edited=("AGENTS.md",)
    )
    assert handoff(root).read_text() == PLACEHOLDER
    assert made.text is None, "the placeholder is no handoff, and is not remembered as one"


def test_one_that_was_interrupted_is_completed(root: Path, home: Path) -> None:
    handoff(root).parent.mkdir(mode=0o700)
    handoff(root).write_text(PLACEHOLDER)

    assert awaits_handoff(root, Config(), home=home)
    with_placeholder(refreshed(root), home=home)

    assert (root / "AGENTS.md").exists()


@pytest.mark.parametrize("text", ["# [CARRYOVER] Last updated 2026\n", "", "x" * 5000])
def test_a_handoff_that_lies_there_stays(root: Path, home: Path, text: str) -> None:
    """Also where the ledger that it was made from is gone."""
    handoff(root).parent.mkdir(mode=0o700)
    handoff(root).write_text(text)

    assert not awaits_handoff(root, Config(), home=home)
    assert with_placeholder(refreshed(root), home=home) == refreshed(root)
    assert handoff(root).read_text() == text


def test_where_there_is_something_to_hand_over_no_placeholder_is_needed(root: Path, home: Path) -> None:
    made = refreshed(root, text="# [CARRYOVER] Last updated 2026\n")
    assert with_placeholder(made, home=home) == made
    assert not handoff(root).exists()


def test_where_nothing_may_be_published_nothing_is_awaited(root: Path, home: Path) -> None:
    assert not awaits_handoff(home, Config(), home=home)
    assert not awaits_handoff(home / "missing", Config(), home=home)
    (root / ".carryover.toml").write_text("exclude = true\n")
    assert not awaits_handoff(root, Config(), home=home)


def test_where_handoffs_are_kept_apart_the_placeholder_is_too(root: Path, home: Path) -> None:
    folder = home / "handoffs" / "shop"
    config = Config(publish=PublishConfig(folder=str(home / "handoffs")))
    assert awaits_handoff(root, config, home=home)

    with_placeholder(refreshed(root, settings=ProjectSettings(folder=folder)), home=home)

    assert (folder / "handoff.md").read_text() == PLACEHOLDER
    assert list(root.iterdir()) == []
