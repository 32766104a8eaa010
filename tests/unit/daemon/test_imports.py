from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from urllib.parse import urlencode

import pytest

from carryover.config import Config
from carryover.daemon.client import ask_daemon
from carryover.daemon.context import DaemonContext
from carryover.daemon.control import Answers, control_app, serving
from carryover.daemon.hooks.http_app import ConnectionLimiter
from carryover.daemon.imports import Imports
from carryover.errors import UserError
from carryover.importing.take_in import Imported
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
async def importing(context: DaemonContext, published: Published) -> AsyncIterator[Imports]:
    imports = Imports(context, on_read=published.on_read, published=published.flush)
    try:
        yield imports
    finally:
        imports.pool.shutdown()


@pytest.fixture
def transcript(tmp_path: Path) -> str:
    session = ClaudeSession(tmp_path, tmp_path)
    session.prompt("Add a discount")
    return str(session.path)


async def test_a_document_is_read_once_and_its_project_published(context: DaemonContext, transcript: str) -> None:
    published = Published()
    async with importing(context, published) as imports:
        first, again = [await imports.take_in(transcript, "", "", again=False) for _ in range(2)]

    assert (first.new_events > 0, first.problem) == (True, None)
    assert again == Imported(new_events=0)
    assert (len(published.projects), published.waited) == (1, 1)


async def test_what_is_not_recognised_is_answered_with_the_reason(context: DaemonContext, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello\n")
    async with importing(context, Published()) as imports:
        done = await imports.take_in(str(tmp_path / "notes.txt"), "", "", again=False)

    assert done.new_events == 0
    assert done.problem is not None and "is not recognised" in done.problem


async def test_while_paused_nothing_is_imported(context: DaemonContext, transcript: str) -> None:
    context.config = Config(paused=True)
    async with importing(context, Published()) as imports:
        assert await imports.take_in(transcript, "", "", again=False) == Imported(
            problem="Carryover is paused, so nothing was imported."
        )


async def test_it_is_asked_for_by_absolute_paths(context: DaemonContext, transcript: str, tmp_path: Path) -> None:
    async def ask(**query: str) -> object:
        return await asyncio.to_thread(ask_daemon, path, "POST", f"/import?{urlencode(query)}", timeout_s=10)

    async def nothing() -> Imported:
        return Imported()

    path, limiter = tmp_path / "daemon.sock", ConnectionLimiter()
    async with importing(context, Published()) as imports:
        parts: Any = dict.fromkeys(("know", "hooks", "moves", "forgetting", "page", "syncing"), Mock())
        answers = Answers(health=nothing, settle=nothing, imports=imports, **parts)
        app = control_app(answers, context.log, limiter=limiter, port=lambda: None)
        async with serving(app, path, limiter):
            answer = await ask(path=transcript, project=f"{context.home}/a b&c", agent="claude-code")
            for query in ({}, {"path": "here"}, {"path": transcript, "project": "here"}):
                with pytest.raises(UserError):
                    await ask(**query)

    assert isinstance(answer, dict)
    assert (answer["new_events"] > 0, answer["problem"]) == (True, None)
