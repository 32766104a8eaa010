"""A repository, a session in it, and a way to bring the session into the ledger, as fixtures."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from carryover.adapter.contract import Agent, Source
from carryover.agents import adapters
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import ingest
from carryover.ledger.connect import connect_read_only
from carryover.ledger.events import session_events
from carryover.ledger.queries import session_by_prefix
from carryover.ledger.store import Ledger
from carryover.model import SessionInfo, StoredEvent
from carryover.projects.root import find_root
from support.claude_session import ClaudeSession
from support.clock import LATER_MS
from support.codex_session import CodexSession
from support.empty_ledger import put_ledger
from support.repository import repository

ReadIn = Callable[[ClaudeSession | CodexSession], int]


@pytest.fixture
def shop(home: Path) -> Path:
    return repository(home / "work" / "shop", {"cart.py": "total = 0\n"})


@pytest.fixture
def session(home: Path, shop: Path) -> ClaudeSession:
    """A session in `shop` that begins on 2026-11-20 at six and has written nothing yet."""
    return ClaudeSession(home / ".claude" / "projects", shop, now=datetime(2026, 11, 20, 6, 0, tzinfo=UTC))


@pytest.fixture
def read_in(ledger_path: Path) -> ReadIn:
    def read(session: ClaudeSession | CodexSession) -> int:
        return asyncio.run(_read(ledger_path, session))

    return read


async def _read(ledger_path: Path, session: ClaudeSession | CodexSession) -> int:
    if isinstance(session, CodexSession):
        agent, root = adapters()["codex"], session.home / "sessions"
    else:
        agent, root = adapters()["claude-code"], session.folder
    source = agent.source_of(session.path, root)
    assert source is not None
    put_ledger(ledger_path)
    ledger = await Ledger.open(ledger_path, DigestReducer())
    try:
        result = await ingest(ledger, agent, source, root_of=find_root, now_ms=lambda: LATER_MS)
    finally:
        await ledger.close()
    [project] = result.projects
    return project


async def counted(agent: Agent, ledger_path: Path, sources: Iterable[Source], session: str) -> list[StoredEvent]:
    """Reads these sources into a ledger; the events of the session that count, without facts about it."""
    put_ledger(ledger_path)
    ledger = await Ledger.open(ledger_path, DigestReducer())
    try:
        for source in sources:
            result = await ingest(ledger, agent, source, root_of=ProjectRoot, now_ms=lambda: 4_000_000_000_000)
            assert result.error is None
    finally:
        await ledger.close()
    with closing(connect_read_only(ledger_path)) as db:
        events = session_events(db, session_by_prefix(db, session))
        return [event for event in events if not event.retracted and not isinstance(event.body, SessionInfo)]
