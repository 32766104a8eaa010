from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from string import ascii_lowercase

import msgspec
import pytest

from carryover.adapter.contract import Agent
from carryover.config import Config, RetentionConfig
from carryover.daemon import forgetting
from carryover.daemon.forgetting import Forgetting
from carryover.daemon.log import Log
from carryover.daemon.publish_queue import PublishQueue
from carryover.ingest.pipeline import ingest
from carryover.ledger.connect import erase_mark
from carryover.ledger.ledger_errors import LedgerUnavailable
from carryover.ledger.queries import connect_read_only, sessions
from carryover.ledger.selection import Selection
from carryover.ledger.store import Ledger
from carryover.publish.project_moves import StatePaths
from carryover.publish.project_root import find_root
from carryover.publish.refresh import Refreshed, refresh
from support.claude_session import ClaudeSession
from support.daemon_process import handoff_of
from support.log_lines import LogLines

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def now_ms() -> int:
    return int(NOW.timestamp() * 1000)


class Place:
    """A publish queue over a real ledger, and what forgets in it, under `config`."""

    def __init__(self, ledger: Ledger, path: Path, home: Path, agents: dict[str, Agent], pool: Executor, log: Log):
        self.config = Config()
        self._ledger = ledger
        self._path = path
        self._home = home
        self._agents = agents
        self.queue = PublishQueue(
            ledger,
            lambda project, newest, _git, at_ms: self._refresh(project, newest, at_ms),
            active_days=lambda: 7,
            executor=pool,
            clock=asyncio.get_running_loop().time,
            log=log,
            now_ms=now_ms,
        )
        paths = StatePaths(ledger=path, state=path.parent, home=home)
        self.forgetting = Forgetting(ledger, paths, self.queue, config=lambda: self.config, log=log, now_ms=now_ms)

    def _refresh(self, project: int, newest: bool, at_ms: int) -> Refreshed:
        call = partial(refresh, self._path, project, self.config, state=self._path.parent, home=self._home)
        return call(now_ms=at_ms, newest=newest)

    async def read(self, session: ClaudeSession) -> None:
        agent = self._agents["claude-code"]
        source = agent.source_of(session.path, session.folder)
        assert source is not None
        root_of = partial(find_root, home=self._home)
        result = await ingest(self._ledger, agent, source, root_of=root_of, now_ms=now_ms)
        for project in result.projects:
            await self.queue.publish_now(project)

    def held(self) -> set[str]:
        with closing(connect_read_only(self._path)) as db:
            return {row.native_id for row in sessions(db, limit=9)}


@pytest.fixture
async def place(
    ledger: Ledger, ledger_path: Path, home: Path, agents: dict[str, Agent], pool: Executor, log: Log
) -> AsyncIterator[Place]:
    place = Place(ledger, ledger_path, home, agents, pool, log)
    publishing = asyncio.create_task(place.queue.run())
    yield place
    place.queue.drain()
    await publishing


@pytest.fixture
def old(session: ClaudeSession) -> ClaudeSession:
    session.now = NOW - timedelta(days=40)
    session.prompt("Never push to main. Add a parser.")
    session.answer("I added a parser in parse.py.")
    return session


@pytest.fixture
def new(old: ClaudeSession) -> ClaudeSession:
    """A later session in the same project."""
    session = ClaudeSession(old.folder, old.cwd, now=NOW - timedelta(days=1))
    session.prompt("Write the release notes.")
    return session


async def test_old_sessions_are_dropped_and_do_not_come_back(
    place: Place, old: ClaudeSession, new: ClaudeSession, lines: LogLines
) -> None:
    await place.read(old)
    await place.read(new)
    assert "Never push to main" in handoff_of(old.cwd)
    place.config = Config(retention=RetentionConfig(max_age_days=30))

    await place.forgetting.apply_retention()

    assert place.held() == {new.session}
    handoff = handoff_of(old.cwd)
    assert ("release notes" in handoff, "Never push" in handoff) == (True, False)
    old.append(b"\n")
    await place.read(old)
    assert place.held() == {new.session}
    assert [line for line in lines if line.startswith("forgotten")] == ["forgotten sessions=1 problems=0"]


async def test_a_ledger_that_is_too_large_loses_its_oldest_sessions(
    place: Place, old: ClaudeSession, new: ClaudeSession
) -> None:
    chance = random.Random(20_261_121)
    words = " ".join("".join(chance.choices(ascii_lowercase, k=5)) for _ in range(600_000))  # hardly compressed
    old.append(old.answer_line(words))
    await place.read(old)
    await place.read(new)
    place.config = Config(retention=RetentionConfig(max_size_mb=1))

    await place.forgetting.apply_retention()

    assert place.held() == {new.session}


@pytest.mark.parametrize(
    "config", [Config(), Config(retention=RetentionConfig(max_age_days=1, max_size_mb=1), paused=True)]
)
async def test_without_limits_and_while_paused_nothing_is_dropped(
    place: Place, old: ClaudeSession, new: ClaudeSession, config: Config
) -> None:
    await place.read(old)
    await place.read(new)
    place.config = config

    await place.forgetting.apply_retention()

    assert place.held() == {old.session, new.session}


async def test_retention_is_applied_at_start_and_when_the_settings_change(
    place: Place, old: ClaudeSession, new: ClaudeSession
) -> None:
    await place.read(old)
    await place.read(new)
    rounds: asyncio.Queue[None] = asyncio.Queue()
    apply = place.forgetting.apply_retention

    async def applied() -> None:
        await apply()
        rounds.put_nowait(None)

    place.forgetting.apply_retention = applied  # type: ignore[method-assign]
    running = asyncio.create_task(place.forgetting.run())
    await rounds.get()
    assert place.held() == {old.session, new.session}
    place.config = Config(retention=RetentionConfig(max_age_days=30))
    place.forgetting.settings_changed()
    await rounds.get()
    running.cancel()

    assert place.held() == {new.session}


async def test_a_project_that_is_gone_is_published_no_more(place: Place, old: ClaudeSession, lines: LogLines) -> None:
    await place.read(old)
    (project,) = place.queue.outcomes

    done = await place.forgetting.forget([Selection(root=str(old.cwd))])
    place.queue.mark_all_dirty()
    await place.queue.publish_now(project)

    assert msgspec.structs.asdict(done) == {"sessions": 1, "problems": ()}
    assert (place.queue.outcomes, handoff_of(old.cwd)) == ({}, "")
    assert [line for line in lines if "failed" in line] == []


async def test_an_interruption_in_the_middle_leaves_nothing_that_a_start_does_not_erase(
    place: Place, old: ClaudeSession, ledger_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by SIGKILL once the ledger has forgotten: from then on nothing leads to the calls that were kept."""
    await place.read(old)
    spooled = ledger_path.parent / "spool" / "claude-code" / f"{old.session}.jsonl"
    spooled.parent.mkdir(parents=True)
    spooled.write_text("Never push to main.")
    monkeypatch.setattr(place.forgetting, "_publish", interrupted)

    with pytest.raises(asyncio.CancelledError):
        await place.forgetting.forget([Selection(agent="claude-code", conversation=old.session)])

    assert (place.held(), handoff_of(old.cwd), spooled.exists()) == (set(), "", False)
    assert erase_mark(ledger_path).exists(), "so the next start overwrites what was deleted"


async def test_what_could_not_be_erased_is_erased_as_soon_as_that_works(
    place: Place, old: ClaudeSession, ledger: Ledger, ledger_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.read(old)
    monkeypatch.setattr(forgetting, "ERASE_AGAIN_S", 0.0)
    left = ["once", "twice"]
    erased = asyncio.Event()
    erase = ledger.erase

    async def full_at_first() -> None:
        if left:
            left.pop()
            raise LedgerUnavailable("The disk is full.")
        await erase()
        erased.set()

    monkeypatch.setattr(ledger, "erase", full_at_first)
    running = asyncio.create_task(place.forgetting.run())
    done = await place.forgetting.forget([Selection(root=str(old.cwd))])
    await erased.wait()
    running.cancel()

    assert done.problems == ("Deleted, but not yet overwritten: The disk is full.",)
    assert b"Never push to main" not in ledger_path.read_bytes()


async def interrupted(*_: object) -> None:
    raise asyncio.CancelledError
