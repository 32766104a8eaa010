from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from carryover.adapter.contract import Agent, HookReading
from carryover.daemon.hooks import MOST_AT_ONCE, MOST_KEPT, HookCounts, Reply
from carryover.daemon.log import Log
from carryover.ledger.queries import connect_read_only, totals
from carryover.ledger.store import Ledger
from carryover.model import Skipped
from support.claude_session import ClaudeSession
from support.hook_client import payload_of
from support.hook_desk import HookDesk

NOTHING = Reply(204)
TRY_STORE = Reply(503)


class Desk(HookDesk):
    """What a test asks of it."""

    async def call(self, session: ClaudeSession, event: str, **more: Any) -> Reply:
        payload = json.dumps(payload_of(session, event, **more)).encode()
        return await self.hooks.call("claude-code", event, payload, authenticated=True)

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
def one_thread() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture
async def desk(
    agents: dict[str, Agent],
    ledger: Ledger,
    ledger_path: Path,
    home: Path,
    pool: Executor,
    one_thread: Executor,
    log: Log,
) -> Desk:
    return Desk(agents, ledger, ledger_path, home, pool, one_thread, log)


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
    assert desk.hooks.counts == HookCounts(late=3)
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
    assert desk.hooks.counts == HookCounts(late=MOST_AT_ONCE, overloaded=2)


async def test_more_than_can_be_kept_is_dropped(desk: Desk, session: ClaudeSession, ledger_path: Path) -> None:
    replies = [await desk.hooks.call("claude-code", "Stop", b"{", authenticated=True) for _ in range(MOST_KEPT + 3)]
    assert set(replies) == {NOTHING}
    assert desk.hooks.counts == HookCounts(foreign=MOST_KEPT + 3, overloaded=3)
    desk.hooks.drain()
    await desk.hooks.run()

    assert skipped(ledger_path) == [("hook/stop", "not JSON", MOST_KEPT)]


async def test_what_fails_after_the_answer_stops_nothing_else(desk: Desk, ledger_path: Path, lines: list[str]) -> None:
    async def fails() -> None:
        raise KeyError("words of a session")

    async with desk.at_work():
        desk.hooks.later(fails)
        await desk.hooks.call("claude-code", "Stop", b"{", authenticated=True)

    assert skipped(ledger_path) == [("hook/stop", "not JSON", 1)]
    [line] = lines
    assert line.startswith("hook_not_stored error=")
    assert "words" not in line


async def test_a_fault_of_ours_is_answered_with_nothing_and_told_without_words(
    desk: Desk, session: ClaudeSession, ledger_path: Path, lines: list[str]
) -> None:
    session.prompt("words of a session")
    async with desk.at_work():
        ledger_path.rename(ledger_path.with_name("moved"))
        reply = await desk.call(session, "SessionStart", source="startup")
        ledger_path.with_name("moved").rename(ledger_path)

    assert reply == TRY_STORE
    assert desk.hooks.counts.failed == 1
    [line] = [line for line in lines if line.startswith("hook_failed")]
    assert "hook=SessionStart" in line
    assert "words" not in line


def _cannot_read(event: str, payload: bytes, at_ms: int) -> HookReading | Skipped:
    raise RecursionError(payload.decode())


async def test_a_payload_that_cannot_be_read_at_all_is_answered_with_nothing(
    agents: dict[str, Agent], desk: Desk, session: ClaudeSession, lines: list[str]
) -> None:
    agent = agents["claude-code"]
    assert agent.hooks is not None
    agents["claude-code"] = replace(agent, hooks=replace(agent.hooks, read=_cannot_read))

    reply = await desk.call(session, "SessionStart", source="words of a session")

    assert reply == NOTHING
    assert desk.hooks.counts.failed == 1
    assert [line for line in lines if "words" in line] == []


async def test_a_refused_path_is_told_by_its_kind_alone(desk: Desk, session: ClaudeSession, lines: list[str]) -> None:
    payload = payload_of(session, "Stop") | {"cwd": "/home/dev/../secret-project"}

    reply = await desk.hooks.call("claude-code", "Stop", json.dumps(payload).encode(), authenticated=True)

    assert (reply, desk.hooks.counts) == (NOTHING, HookCounts(refused_paths=1))
    assert lines == ['hook_path_refused agent=claude-code reason="leads upwards"']


async def test_words_of_strangers_are_neither_stored_nor_counted_in_the_ledger(
    desk: Desk, session: ClaudeSession, ledger_path: Path
) -> None:
    """Or anyone on this machine could fill it."""
    stop = json.dumps(payload_of(session, "Stop", last_assistant_message="words")).encode()
    async with desk.at_work():
        for payload in (stop, b"{"):
            assert await desk.hooks.call("claude-code", "Stop", payload, authenticated=False) == NOTHING

    assert skipped(ledger_path) == []
    assert not desk.hooks.counts.quiet
    with closing(connect_read_only(ledger_path)) as db:
        assert totals(db).sessions == 0
