from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from carryover.adapter.contract import Agent
from carryover.agents import adapters
from carryover.config import Config
from carryover.daemon.context import DaemonContext
from carryover.daemon.log import Log
from carryover.ledger.store import Ledger
from carryover.paths import StateDir
from support.claude_session import ClaudeSession
from support.clock import Clock, LogLines


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lines() -> LogLines:
    """What was logged, without times and levels."""
    return LogLines()


@pytest.fixture
def log(lines: LogLines) -> Log:
    return Log(lambda _level, text: lines.add(text))


@pytest.fixture
def agents() -> dict[str, Agent]:
    return {"claude-code": adapters()["claude-code"]}


@pytest.fixture
async def context(home: Path, ledger: Ledger, log: Log, agents: dict[str, Agent]) -> AsyncIterator[DaemonContext]:
    """What the daemon's parts share, without the user's environment, in a state folder with a real ledger."""
    state = StateDir(home / ".carryover")
    context = DaemonContext(state=state, home=home, env={}, config=Config(), ledger=ledger, log=log, known=agents)
    yield context
    for pool in context.pools:
        pool.shutdown()


@pytest.fixture
def transcripts(home: Path) -> Path:
    """Claude Code's folder of transcripts; it does not exist yet."""
    return home / ".claude" / "projects"


@pytest.fixture
def shop(home: Path) -> Path:
    (home / "work" / "shop").mkdir(parents=True)
    return home / "work" / "shop"


@pytest.fixture
def blog(shop: Path) -> Path:
    shop.with_name("blog").mkdir()
    return shop.with_name("blog")


@pytest.fixture
def session(transcripts: Path, shop: Path) -> ClaudeSession:
    """A session in a project that has written nothing yet."""
    return ClaudeSession(transcripts, shop)
