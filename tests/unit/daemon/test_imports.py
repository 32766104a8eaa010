from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest

from carryover.config import Config
from carryover.daemon.client import ask_daemon
from carryover.daemon.context import DaemonContext
from carryover.daemon.control import control_app, serving
from carryover.daemon.hooks.http_app import ConnectionLimiter
from carryover.daemon.imports import Imported, Imports
from carryover.daemon.log import Log
from carryover.distill.stored_digest import DigestReducer
from carryover.errors import UserError
from carryover.ledger.store import Ledger
from carryover.paths import StateDir
from support.claude_session import ClaudeSession


class Published:
    """What was asked to be published."""

    def __init__(self) -> None:
        self.projects: set[int] = set()
        self.waited = 0

    def on_read(self, projects: frozenset[int], _event_ms: int) -> None:
        self.projects |= projects

    async def flush(self) -> None:
        self.waited += 1


@asynccontextmanager
async def importing(home: Path, log: Log, published: Published, *, paused: bool = False) -> AsyncIterator[Imports]:
    state = StateDir.of(os.environ, home)
    ledger = await Ledger.open(state.ledger, DigestReducer())
    context = DaemonContext(state, home, os.environ, Config(paused=paused))
    imports = Imports(context, ledger, on_read=published.on_read, published=published.flush, log=log)
    try:
        yield imports
    finally:
        imports.pool.shutdown()
        await ledger.close()


@pytest.fixture
def transcript(tmp_path: Path) -> str:
    session = ClaudeSession(tmp_path, tmp_path)
    session.prompt("Add a discount")
    return str(session.path)


async def test_a_document_is_read_once_and_its_project_published(home: Path, log: Log, transcript: str) -> None:
    published = Published()
    async with importing(home, log, published) as imports:
        first, again = [await imports.take_in(transcript, "", "") for _ in range(2)]

    assert (first.new_events > 0, first.problem) == (True, None)
    assert again == Imported(new_events=0)
    assert (len(published.projects), published.waited) == (1, 1)


async def test_several_at_once_are_read_one_after_the_other(home: Path, log: Log, transcript: str) -> None:
    async with importing(home, log, Published()) as imports:
        found = await asyncio.gather(*(imports.take_in(transcript, "", "") for _ in range(4)))

    assert sorted(done.new_events > 0 for done in found) == [False, False, False, True]
    assert {done.problem for done in found} == {None}


async def test_what_is_not_recognised_is_answered_with_the_reason(home: Path, log: Log, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello\n")
    async with importing(home, log, Published()) as imports:
        done = await imports.take_in(str(tmp_path / "notes.txt"), "", "")

    assert done.new_events == 0
    assert done.problem is not None and "is not recognised" in done.problem


async def test_while_paused_nothing_is_imported(home: Path, log: Log, transcript: str) -> None:
    async with importing(home, log, Published(), paused=True) as imports:
        assert await imports.take_in(transcript, "", "") == Imported(
            problem="Carryover is paused, so nothing was imported."
        )


async def test_it_is_asked_for_by_absolute_paths(home: Path, log: Log, transcript: str, tmp_path: Path) -> None:
    async def ask(**query: str) -> object:
        return await asyncio.to_thread(ask_daemon, path, "POST", f"/import?{urlencode(query)}", timeout_s=10)

    async def nothing() -> Imported:
        return Imported()

    path, limiter = tmp_path / "daemon.sock", ConnectionLimiter()
    async with importing(home, log, Published()) as imports:
        app = control_app(nothing, nothing, None, log, limiter=limiter, port=lambda: None, imports=imports)
        async with serving(app, path, limiter):
            answer = await ask(path=transcript, project=f"{home}/a b&c", agent="claude-code")
            for query in ({}, {"path": "here"}, {"path": transcript, "project": "here"}):
                with pytest.raises(UserError):
                    await ask(**query)

    assert isinstance(answer, dict)
    assert (answer["new_events"] > 0, answer["problem"]) == (True, None)
