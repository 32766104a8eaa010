from __future__ import annotations

import asyncio
import json
import sys
from contextlib import closing, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, patch

import pytest

from agents.copilot.session import CopilotSession
from agents.cursor.contract_case import payload as cursor_payload
from carryover.adapter.contract import HookAction, HookEvent
from carryover.agents import adapters
from carryover.daemon.context import DaemonContext
from carryover.daemon.hooks.dispatch import MOST_AT_ONCE, MOST_KEPT, HookReply
from carryover.facts import DAY_MS
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import totals
from support.claude_session import ClaudeSession
from support.codex_session import CodexSession
from support.hook_client import payload_of
from support.hook_desk import HookDesk, hanging

NOTHING = HookReply(204)
TRY_STORE = HookReply(503)


class Desk(HookDesk):
    async def call(self, session: ClaudeSession, event: str, **more: Any) -> HookReply:
        payload = json.dumps(payload_of(session, event, **more)).encode()
        return await self.hooks.call("claude-code", event, payload)


@pytest.fixture
async def desk(context: DaemonContext) -> Desk:
    return Desk(context)


def skipped(path: Path) -> list[tuple[str, str, int]]:
    with closing(connect_read_only(path)) as db:
        return [(row.record_type, row.reason, row.n) for row in totals(db).skipped]


async def test_a_disk_that_hangs_keeps_no_agent_waiting(desk: Desk, session: ClaudeSession, lines: list[str]) -> None:
    """A start is sent to the answers in stock; nothing else has one."""
    async with hanging(desk.hooks.looks):
        replies = [
            await desk.call(session, "PostToolUse"),
            await desk.call(session, "Stop", last_assistant_message="words of a session"),
            await desk.call(session, "SessionStart", source="startup"),
        ]

    assert replies == [NOTHING, NOTHING, TRY_STORE]
    assert {name: n for name, n in desk.counted.items() if n} == {"late": 3}
    assert [line.split(" ", 1)[0] for line in lines] == ["hook_late"] * 3
    assert not any("words" in line for line in lines)
    async with hanging(desk.hooks.starts.answers), asyncio.timeout(20):
        assert await desk.call(session, "SessionStart", source="startup") == TRY_STORE


async def test_a_start_whose_answer_the_client_does_not_use_is_answered_with_the_first_prompt(
    context: DaemonContext, session: ClaudeSession
) -> None:
    """What lies unread beside the new transcript is read first. A disk that hangs at both only puts it off."""
    agent = context.agents["claude-code"]
    assert agent.hooks is not None

    def read(event: str, payload: bytes) -> HookEvent:
        action: HookAction = "unheard_start" if event == "SessionStart" else "prompt"
        return HookEvent(action=action, session=payload.decode(), cwd=str(session.cwd), reason="clear")

    dropping = replace(agent, hooks=replace(agent.hooks, read=read))
    desk = Desk(replace(context, known={agent.id: dropping}))
    session.prompt("Add a discount function")
    calls = [("SessionStart", b"s1"), *(("Stop", name) for name in (b"s2", b"s1", b"s1", b"s3", b"s3"))]
    async with desk.at_work():
        async with hanging(desk.hooks.starts.answers):
            late = [await desk.hooks.call(agent.id, each, b"s3") for each in ("SessionStart", "Stop")]
        replies = [await desk.hooks.call(agent.id, *call) for call in calls]

    assert late == [TRY_STORE, NOTHING]
    assert [b"discount function" in reply.body for reply in replies] == [False, False, True, False, True, False]


async def test_before_a_compaction_what_was_said_is_published_and_no_other_session_is_read(
    desk: Desk, context: DaemonContext, session: ClaudeSession
) -> None:
    session.prompt("Add a discount function")
    other = ClaudeSession(session.folder, session.cwd)
    other.prompt("Round the prices")
    with patch.object(desk.publisher, "do_now", AsyncMock()) as done_now:
        async with desk.at_work():
            assert await desk.call(session, "PreCompact", trigger="auto") == NOTHING

    done_now.assert_awaited_once_with([1])
    states = [await context.ledger.source_state(each.source) for each in (session, other)]
    assert [state is not None for state in states] == [True, False]


@pytest.mark.parametrize("event", ["UserPromptSubmit", "Stop"])
async def test_what_a_call_names_is_read_without_a_watcher(
    desk: Desk, context: DaemonContext, session: ClaudeSession, event: str
) -> None:
    session.prompt("Add a discount function")
    async with desk.at_work():
        assert await desk.call(session, event) == NOTHING

    assert await context.ledger.source_state(session.source) is not None


async def test_too_many_at_once_are_sent_away_at_once(desk: Desk, session: ClaudeSession) -> None:
    async with hanging(desk.hooks.looks), asyncio.TaskGroup() as group:
        waiting = [group.create_task(desk.call(session, "PostToolUse")) for _ in range(MOST_AT_ONCE)]
        await asyncio.sleep(0)
        assert await desk.call(session, "PostToolUse") == NOTHING
        assert await desk.call(session, "SessionStart", source="startup") == TRY_STORE
        assert not any(task.done() for task in waiting)

    assert {task.result() for task in waiting} == {NOTHING}
    assert {name: n for name, n in desk.counted.items() if n} == {"late": MOST_AT_ONCE, "overloaded": 2}


async def test_threads_switch_more_often_while_a_call_is_answered(desk: Desk, session: ClaudeSession) -> None:
    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(0.25)
    try:
        async with hanging(desk.hooks.looks), asyncio.TaskGroup() as group:
            waiting = [group.create_task(desk.call(session, "PostToolUse")) for _ in range(2)]
            await asyncio.sleep(0)
            meanwhile_s = sys.getswitchinterval()
            await waiting[0]
        afterwards_s = sys.getswitchinterval()
    finally:
        sys.setswitchinterval(usual_s)

    assert meanwhile_s < 0.0005
    assert afterwards_s == pytest.approx(0.25)


async def test_more_than_can_be_kept_is_dropped(desk: Desk, session: ClaudeSession, ledger_path: Path) -> None:
    replies = [await desk.hooks.call("claude-code", "Stop", b"{") for _ in range(MOST_KEPT + 3)]
    assert set(replies) == {NOTHING}
    assert {name: n for name, n in desk.counted.items() if n} == {"foreign": MOST_KEPT + 3, "overloaded": 3}
    assert desk.hooks.later(AsyncMock()).done(), "nobody waits for what is dropped"
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
    assert desk.counted["failed"] == 1
    [line] = [line for line in lines if line.startswith("hook_failed")]
    assert "hook=SessionStart" in line
    assert "words" not in line


async def test_a_refused_path_is_named_by_its_kind_alone(desk: Desk, session: ClaudeSession, lines: list[str]) -> None:
    session.cwd = Path("/home/dev/../secret-project")

    assert await desk.call(session, "Stop") == NOTHING
    assert {name: n for name, n in desk.counted.items() if n} == {"refused_paths": 1}
    assert lines == ["hook_path_refused agent=claude-code reason=leads_upwards"]


CHAT = "7c1f2a90-1111-4222-8333-9d2c00000001"


@pytest.fixture
async def agents_desk(context: DaemonContext) -> HookDesk:
    return HookDesk(replace(context, known=adapters()))


async def test_a_codex_thread_resumed_in_another_project_is_not_informed_of_the_first(
    agents_desk: HookDesk, home: Path, shop: Path, blog: Path
) -> None:
    def told(minutes_ago: int, prompt: str, answer: str) -> CodexSession:
        thread = CodexSession(home / ".codex", shop, now=datetime.now(UTC) - timedelta(minutes=minutes_ago))
        thread.prompt(prompt)
        thread.answer(answer)
        return thread

    async def call(thread: CodexSession, event: str, **more: Any) -> HookReply:
        data = json.dumps(thread.payload(event, **more)).encode()
        return await agents_desk.hooks.call("codex", event, data)

    thread = told(60, "Add a discount function", "The discount works. Next: wire it into checkout.")
    other = told(5, "Rename the product", "Renamed it in cart.py. Next I will rename it in the docs.")
    async with agents_desk.at_work():
        for known in (thread, other):
            await call(known, "SessionEnd")
        here = await call(thread, "SessionStart", source="resume")
        thread.cwd = blog
        there = [await call(thread, "SessionStart", source=source) for source in ("resume", "compact")]

    assert b"Rename the product" in here.body and b"moved this project on" in here.body
    assert there == [NOTHING, NOTHING]
    assert agents_desk.counted["failed"] == 0


@pytest.fixture
def compacted(home: Path, shop: Path) -> CopilotSession:
    session = CopilotSession(home / ".copilot", shop, now=datetime.now(UTC) - timedelta(minutes=5))
    session.prompt("Round the prices")
    session.say("They are rounded. Shall I test it?")
    session.compacted("Prices were worked on.")
    return session


async def _prompted(desk: HookDesk, session: CopilotSession, text: str) -> HookReply:
    """Prompts as the client does, which notes the prompt once the hook has answered."""
    given = session.payload(prompt=text)
    reply = await desk.hooks.call("copilot", "userPromptSubmitted", given)
    session.prompt(text)
    return reply


async def _answered(desk: HookDesk, session: CopilotSession, text: str) -> HookReply:
    """Prompts, and again where the machine was too busy for an answer in time: the next prompt brings it."""
    late = desk.counted["late"]
    reply = await _prompted(desk, session, text)
    return reply if desk.counted["late"] == late else await _answered(desk, session, text)


async def test_after_a_compaction_the_next_copilot_prompt_gets_it_once(
    agents_desk: HookDesk, compacted: CopilotSession
) -> None:
    async with agents_desk.at_work():
        first, second = [await _answered(agents_desk, compacted, text) for text in ("Go on", "And then")]

    assert b"Your context was just compacted" in first.body and b"Round the prices" in first.body
    assert second == NOTHING


async def test_a_session_beside_one_that_was_compacted_gets_nothing(
    agents_desk: HookDesk, compacted: CopilotSession, home: Path, shop: Path
) -> None:
    async with agents_desk.at_work():
        reply = await _answered(agents_desk, CopilotSession(home / ".copilot", shop), "Paint the shop")

    assert (compacted.session != "", reply) == (True, NOTHING)


async def test_a_session_that_went_on_after_its_compaction_gets_nothing_from_a_daemon_that_starts(
    agents_desk: HookDesk, compacted: CopilotSession
) -> None:
    compacted.prompt("Go on")
    async with agents_desk.at_work():
        replies = [await _prompted(agents_desk, compacted, text) for text in ("And then", "And now")]

    # After a prompt that was answered too late, it is not known what that one lacked.
    assert replies == [NOTHING, NOTHING] or agents_desk.counted["late"]


@pytest.mark.parametrize("part", ["paths", "answer"])
async def test_a_prompt_that_is_answered_too_late_leaves_it_to_the_next(
    agents_desk: HookDesk, compacted: CopilotSession, part: str
) -> None:
    slow = agents_desk.hooks.looks if part == "paths" else agents_desk.hooks.starts.answers
    async with agents_desk.at_work():
        async with hanging(slow):
            late = await _prompted(agents_desk, compacted, "Go on")
        then = [await _answered(agents_desk, compacted, text) for text in ("And then", "Go on")]

    assert late == NOTHING
    assert [b"Your context was just compacted" in reply.body for reply in then] == [True, False]


@pytest.mark.parametrize("late", [False, True])
async def test_a_resumed_copilot_session_gets_it_with_its_start_and_not_with_its_prompt(
    context: DaemonContext, compacted: CopilotSession, late: bool
) -> None:
    """Both are called at once, before the log tells of the resume. If the start is late, its script answers it."""
    desk = HookDesk(replace(context, known=adapters()))
    started, prompted = compacted.payload(source="resume"), compacted.payload(prompt="Go on")
    async with desk.at_work():
        async with hanging(desk.hooks.starts.answers) if late else nullcontext():
            start = asyncio.create_task(desk.hooks.call("copilot", "sessionStart", started))
            await asyncio.wait({start}, timeout=None if late else 0)
        prompt = await desk.hooks.call("copilot", "userPromptSubmitted", prompted)
        given = await start

    assert given == TRY_STORE if late else b"This session was resumed" in given.body
    assert prompt == NOTHING


async def test_a_start_after_the_clock_went_back_is_not_that_of_the_prompt_before(
    context: DaemonContext, compacted: CopilotSession
) -> None:
    context = replace(context, known=adapters())
    desk, now_ms = HookDesk(context), context.now_ms
    async with desk.at_work():
        await _answered(desk, compacted, "Go on")
        context.now_ms = lambda: now_ms() - DAY_MS
        start = await desk.hooks.call("copilot", "sessionStart", compacted.payload(source="resume"))

    assert b"This session was resumed" in start.body


@pytest.mark.parametrize("event", ["stop", "sessionEnd", "afterFileEdit"])
async def test_a_cursor_hook_that_names_no_transcript_has_the_changed_ones_read(
    agents_desk: HookDesk, context: DaemonContext, home: Path, shop: Path, event: str
) -> None:
    root = home / ".cursor/projects"
    chat = root / "work-shop/agent-transcripts" / CHAT / f"{CHAT}.jsonl"
    chat.parent.mkdir(parents=True)
    asked = {"type": "text", "text": "<user_query>\nPaint the shop\n</user_query>"}
    chat.write_text(json.dumps({"role": "user", "message": {"content": [asked]}}) + "\n")
    data = cursor_payload(event, conversation_id=CHAT, workspace_roots=[str(shop)], transcript_path=None).data
    async with agents_desk.at_work():
        assert await agents_desk.hooks.call("cursor", event, data) == NOTHING

    source = adapters()["cursor"].source_of(chat, root)
    assert source is not None
    state = await context.ledger.source_state(source)
    assert state is not None and state.size == chat.stat().st_size
