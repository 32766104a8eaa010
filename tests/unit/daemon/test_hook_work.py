"""Hooks of agents that keep or name their sessions otherwise than Claude Code does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agents.cursor.payloads import payload as cursor_payload
from carryover.agents import adapters
from carryover.daemon.hooks import Reply
from carryover.daemon.log import Log
from carryover.ledger.queries import connect_read_only, session_by_prefix, session_events, session_ids
from carryover.ledger.store import Ledger
from carryover.model import AssistantMessage
from support.codex_session import CodexSession
from support.hook_desk import HookDesk

NOTHING = Reply(204)
CHAT = "7c1f2a90-1111-4222-8333-9d2c00000001"


class Desk(HookDesk):
    """All that answers a hook of any agent, over a real ledger."""

    def __init__(self, ledger: Ledger, path: Path, home: Path, pool: Executor, log: Log) -> None:
        super().__init__(adapters(), ledger, path, home, pool, pool, log)
        self._path, self._ledger = path, ledger

    async def codex(self, thread: CodexSession, event: str, **more: Any) -> Reply:
        data = json.dumps(thread.payload(event, **more)).encode()
        return await self.hooks.call("codex", event, data, authenticated=True)

    async def cursor(self, event: str, **fields: Any) -> Reply:
        data = cursor_payload(event, conversation_id=CHAT, **fields).data
        return await self.hooks.call("cursor", event, data, authenticated=True)

    def answers(self, session: str) -> list[str]:
        """What the agent said in a session, as the ledger has it; provisional words too."""
        with closing(connect_read_only(self._path)) as db:
            row = session_by_prefix(db, session)
            bodies = [event.body for event in session_events(db, row)]
        return [body.text for body in bodies if isinstance(body, AssistantMessage)]

    def sessions(self) -> list[str]:
        with closing(connect_read_only(self._path)) as db:
            return session_ids(db)

    async def has_read(self, path: Path, root: Path) -> bool:
        """Whether Cursor's source at `path` was read to its end."""
        source = adapters()["cursor"].source_of(path, root)
        assert source is not None
        state = await self._ledger.source_state(source)
        return state is not None and state.size == path.stat().st_size

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Things are read, published and stored while the block lasts."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(part.run()) for part in (self.reading, self.publisher, self.hooks)]
            yield
            self.hooks.drain()
            await asyncio.wait({tasks[2]})
            self.reading.drain()
            self.publisher.drain()


@pytest.fixture
async def desk(ledger: Ledger, ledger_path: Path, home: Path, pool: Executor, log: Log) -> Desk:
    return Desk(ledger, ledger_path, home, pool, log)


@pytest.fixture
def shop(home: Path) -> Path:
    folder = home / "work" / "shop"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def blog(home: Path) -> Path:
    folder = home / "work" / "blog"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def thread(home: Path, shop: Path) -> CodexSession:
    """A thread that an hour ago was asked for something in `shop`, and did it."""
    thread = CodexSession(home / ".codex", shop, now=datetime.now(UTC) - timedelta(hours=1))
    thread.prompt("Add a discount function")
    thread.answer("The discount works. Next: wire it into checkout.")
    return thread


@pytest.fixture
def chat(home: Path) -> Path:
    """What Cursor's terminal client wrote a moment ago."""
    path = home / ".cursor/projects/work-shop/agent-transcripts" / CHAT / f"{CHAT}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    asked = {"type": "text", "text": "<user_query>\nPaint the shop\n</user_query>"}
    path.write_text(json.dumps({"role": "user", "message": {"content": [asked]}}) + "\n")
    return path


async def test_the_end_of_a_codex_turn_is_known_before_its_rollout_is_read(desk: Desk, thread: CodexSession) -> None:
    async with desk.at_work():
        assert await desk.codex(thread, "Stop", last_assistant_message="Done early.") == NOTHING

    assert desk.answers(thread.session)[-1] == "Done early."


async def test_a_codex_turn_in_another_project_tells_the_first_nothing(
    desk: Desk, thread: CodexSession, blog: Path
) -> None:
    """One file holds the turns of both; the hook names only the thread, and the folder of the turn."""
    async with desk.at_work():
        await desk.codex(thread, "SessionEnd")
        thread.cwd = blog
        thread.prompt("Write a post")
        await desk.codex(thread, "Stop", last_assistant_message="The post is written.")

    assert desk.answers(thread.session) == ["The discount works. Next: wire it into checkout."]
    [there] = [session for session in desk.sessions() if session != thread.session]
    assert there.startswith(f"{thread.session}@")


async def test_a_codex_thread_resumed_in_another_project_is_not_told_of_the_first(
    desk: Desk, thread: CodexSession, shop: Path, blog: Path
) -> None:
    other = CodexSession(thread.home, shop, now=datetime.now(UTC) - timedelta(minutes=5))
    other.prompt("Rename the product")
    other.answer("Renamed it in cart.py. Next I will rename it in the docs.")
    async with desk.at_work():
        for known in (thread, other):
            await desk.codex(known, "SessionEnd")
        here = await desk.codex(thread, "SessionStart", source="resume")
        thread.cwd = blog
        there = [await desk.codex(thread, "SessionStart", source=source) for source in ("resume", "compact")]

    assert b"Rename the product" in here.body and b"moved this project on" in here.body
    assert there == [NOTHING, NOTHING]


async def test_a_codex_thread_that_is_resumed_alone_gets_nothing(desk: Desk, thread: CodexSession) -> None:
    """Its rollout is opened for the new turn, and the model may be another one, before the hook is called."""
    async with desk.at_work():
        await desk.codex(thread, "SessionEnd")
        assert await desk.codex(thread, "SessionStart", source="resume") == NOTHING


async def test_a_cursor_session_is_told_of_what_another_agent_left_in_its_window(
    desk: Desk, thread: CodexSession, shop: Path
) -> None:
    async with desk.at_work():
        await desk.codex(thread, "SessionEnd")
        told = await desk.cursor("sessionStart", workspace_roots=[str(shop)], transcript_path=None)

    assert told.status == 200
    assert "Add a discount function" in json.loads(told.body)["additional_context"]


@pytest.mark.parametrize("event", ["stop", "sessionEnd", "afterFileEdit"])
async def test_a_cursor_hook_that_names_no_transcript_has_the_changed_ones_read(
    desk: Desk, chat: Path, shop: Path, event: str
) -> None:
    async with desk.at_work():
        assert await desk.cursor(event, workspace_roots=[str(shop)], transcript_path=None) == NOTHING

    assert await desk.has_read(chat, chat.parents[3])


async def test_a_cursor_start_has_them_read_before_the_answer(desk: Desk, chat: Path, shop: Path) -> None:
    async with desk.at_work():
        await desk.cursor("sessionStart", workspace_roots=[str(shop)], transcript_path=None)
        assert await desk.has_read(chat, chat.parents[3])


async def test_a_strangers_call_without_a_transcript_has_nothing_read(desk: Desk, chat: Path, shop: Path) -> None:
    data = cursor_payload("stop", transcript_path=None, workspace_roots=[str(shop)]).data
    async with desk.at_work():
        assert await desk.hooks.call("cursor", "stop", data, authenticated=False) == NOTHING

    assert not await desk.has_read(chat, chat.parents[3])
