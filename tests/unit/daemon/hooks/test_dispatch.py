from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agents.cursor.contract_case import payload as cursor_payload
from carryover.agents import adapters
from carryover.daemon.context import DaemonContext
from carryover.daemon.health import HookCounts
from carryover.daemon.hooks.dispatch import MOST_AT_ONCE, MOST_KEPT, Reply
from carryover.ledger.events import session_events
from carryover.ledger.queries import connect_read_only, session_by_prefix, session_ids, totals
from carryover.model import AssistantMessage
from support.claude_session import ClaudeSession
from support.codex_session import CodexSession
from support.hook_client import payload_of
from support.hook_desk import HookDesk

NOTHING = Reply(204)
TRY_STORE = Reply(503)


class Desk(HookDesk):
    """What a test asks of it."""

    async def call(self, session: ClaudeSession, event: str, **more: Any) -> Reply:
        payload = json.dumps(payload_of(session, event, **more)).encode()
        return await self.hooks.call("claude-code", event, payload, authenticated=True)


@pytest.fixture
def one_thread() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture
async def desk(context: DaemonContext, pool: Executor, one_thread: Executor) -> Desk:
    return Desk(context, pool, one_thread)


@asynccontextmanager
async def hanging(executor: Executor) -> AsyncIterator[None]:
    """The disk that a payload's paths lie on does not answer while the block lasts."""
    answers = threading.Event()
    executor.submit(answers.wait)
    try:
        yield
    finally:
        answers.set()


def skipped(path: Path) -> list[tuple[str, str, int]]:
    with closing(connect_read_only(path)) as db:
        return [(row.record_type, row.reason, row.n) for row in totals(db).skipped]


async def test_a_disk_that_hangs_keeps_no_agent_waiting(
    desk: Desk, session: ClaudeSession, one_thread: Executor, lines: list[str]
) -> None:
    """A start is sent to the answers in stock; nothing else has one."""
    async with hanging(one_thread):
        replies = [
            await desk.call(session, "PostToolUse"),
            await desk.call(session, "Stop", last_assistant_message="words of a session"),
            await desk.call(session, "SessionStart", source="startup"),
        ]

    assert replies == [NOTHING, NOTHING, TRY_STORE]
    assert desk.meter.hook_counts() == HookCounts(late=3)
    assert [line.split(" ", 1)[0] for line in lines] == ["hook_late"] * 3
    assert not any("words" in line for line in lines)


async def test_too_many_at_once_are_sent_away_at_once(desk: Desk, session: ClaudeSession, one_thread: Executor) -> None:
    async with hanging(one_thread), asyncio.TaskGroup() as group:
        waiting = [group.create_task(desk.call(session, "PostToolUse")) for _ in range(MOST_AT_ONCE)]
        await asyncio.sleep(0)
        async with asyncio.timeout(0.1):
            assert await desk.call(session, "PostToolUse") == NOTHING
            assert await desk.call(session, "SessionStart", source="startup") == TRY_STORE

    assert {task.result() for task in waiting} == {NOTHING}
    assert desk.meter.hook_counts() == HookCounts(late=MOST_AT_ONCE, overloaded=2)


async def test_more_than_can_be_kept_is_dropped(desk: Desk, session: ClaudeSession, ledger_path: Path) -> None:
    replies = [await desk.hooks.call("claude-code", "Stop", b"{", authenticated=True) for _ in range(MOST_KEPT + 3)]
    assert set(replies) == {NOTHING}
    assert desk.meter.hook_counts() == HookCounts(foreign=MOST_KEPT + 3, overloaded=3)
    desk.hooks.drain()
    await desk.hooks.run()

    assert skipped(ledger_path) == [("hook/stop", "not JSON", MOST_KEPT)]


async def test_a_fault_of_ours_is_answered_with_nothing_and_reported_without_words(
    desk: Desk, session: ClaudeSession, ledger_path: Path, lines: list[str]
) -> None:
    session.prompt("words of a session")
    async with desk.at_work():
        ledger_path.rename(ledger_path.with_name("moved"))
        reply = await desk.call(session, "SessionStart", source="startup")
        ledger_path.with_name("moved").rename(ledger_path)

    assert reply == TRY_STORE
    assert desk.meter.hook_counts().failed == 1
    [line] = [line for line in lines if line.startswith("hook_failed")]
    assert "hook=SessionStart" in line
    assert "words" not in line


async def test_a_refused_path_is_named_by_its_kind_alone(desk: Desk, session: ClaudeSession, lines: list[str]) -> None:
    payload = payload_of(session, "Stop") | {"cwd": "/home/dev/../secret-project"}

    reply = await desk.hooks.call("claude-code", "Stop", json.dumps(payload).encode(), authenticated=True)

    assert (reply, desk.meter.hook_counts()) == (NOTHING, HookCounts(refused_paths=1))
    assert lines == ["hook_path_refused agent=claude-code reason=leads_upwards"]


async def test_words_of_strangers_are_neither_stored_nor_counted_in_the_ledger(
    desk: Desk, session: ClaudeSession, ledger_path: Path
) -> None:
    """Or anyone on this machine could fill it."""
    stop = json.dumps(payload_of(session, "Stop", last_assistant_message="words")).encode()
    async with desk.at_work():
        for payload in (stop, b"{"):
            assert await desk.hooks.call("claude-code", "Stop", payload, authenticated=False) == NOTHING

    assert skipped(ledger_path) == []
    assert not desk.meter.hook_counts().quiet
    with closing(connect_read_only(ledger_path)) as db:
        assert totals(db).sessions == 0


CHAT = "7c1f2a90-1111-4222-8333-9d2c00000001"


class AgentsDesk(HookDesk):
    """All that answers a hook of any agent, over a real ledger."""

    def __init__(self, context: DaemonContext, pool: Executor) -> None:
        super().__init__(replace(context, agents=adapters()), pool, pool)
        self._path, self._ledger = context.state.ledger, context.ledger

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


@pytest.fixture
async def agents_desk(context: DaemonContext, pool: Executor) -> AgentsDesk:
    return AgentsDesk(context, pool)


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


async def test_a_codex_thread_resumed_in_another_project_is_not_informed_of_the_first(
    agents_desk: AgentsDesk, thread: CodexSession, shop: Path, blog: Path
) -> None:
    other = CodexSession(thread.home, shop, now=datetime.now(UTC) - timedelta(minutes=5))
    other.prompt("Rename the product")
    other.answer("Renamed it in cart.py. Next I will rename it in the docs.")
    async with agents_desk.at_work():
        for known in (thread, other):
            await agents_desk.codex(known, "SessionEnd")
        here = await agents_desk.codex(thread, "SessionStart", source="resume")
        thread.cwd = blog
        there = [await agents_desk.codex(thread, "SessionStart", source=source) for source in ("resume", "compact")]

    assert b"Rename the product" in here.body and b"moved this project on" in here.body
    assert there == [NOTHING, NOTHING]


@pytest.mark.parametrize("event", ["stop", "sessionEnd", "afterFileEdit"])
async def test_a_cursor_hook_that_names_no_transcript_has_the_changed_ones_read(
    agents_desk: AgentsDesk, chat: Path, shop: Path, event: str
) -> None:
    async with agents_desk.at_work():
        assert await agents_desk.cursor(event, workspace_roots=[str(shop)], transcript_path=None) == NOTHING

    assert await agents_desk.has_read(chat, chat.parents[3])


async def test_the_end_of_a_codex_turn_is_known_before_its_rollout_is_read(
    agents_desk: AgentsDesk, thread: CodexSession
) -> None:
    async with agents_desk.at_work():
        assert await agents_desk.codex(thread, "Stop", last_assistant_message="Done early.") == NOTHING

    assert agents_desk.answers(thread.session)[-1] == "Done early."
