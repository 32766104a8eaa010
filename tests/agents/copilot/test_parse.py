"""What each record of a log becomes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.copilot.reading import begun, of, read
from agents.copilot.session import CopilotSession
from carryover.model import (
    AgentSummary,
    AssistantMessage,
    BackgroundTask,
    SessionInfo,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
    session_in_other_cwd,
)
from carryover.records.fields import digest


@pytest.fixture
def session(tmp_path: Path) -> CopilotSession:
    return begun(tmp_path)


def test_a_prompt_is_what_was_typed_and_not_what_the_client_made_of_it(session: CopilotSession) -> None:
    session.prompt("And the plum", attachments=[{"type": "file"}], delivery="steering")

    assert of(read(session).events, UserPrompt) == [
        UserPrompt(text="Fix the price."),
        UserPrompt(text="And the plum", attachments=1),
    ]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"errorType": "rate_limit", "statusCode": 429}, "limit"),
        ({"errorType": "quota"}, "limit"),
        ({"errorType": "query", "statusCode": 402}, "limit"),
        ({"errorType": "query"}, "error"),
        ({"errorType": "authentication", "statusCode": 401}, "error"),
    ],
)
def test_an_error_ends_the_turn(session: CopilotSession, fields: dict[str, Any], reason: str) -> None:
    session.record("session.error", message="It failed.", **fields)

    [end] = of(read(session).events, TurnEnd)

    assert (end.reason, end.message) == (reason, "It failed.")


def test_an_abort_ends_the_turn_and_the_call_in_flight(session: CopilotSession) -> None:
    session.call("c1", "bash", command="sleep 600")
    session.record("abort", reason="user_initiated")
    session.failed("c1", "Tool execution was interrupted before a result was recorded.", "interrupted")

    events = read(session).events

    assert [end.reason for end in of(events, TurnEnd)] == ["interrupted"]
    assert [(result.status, result.subject) for result in of(events, ToolResult)] == [("interrupted", "sleep 600")]


def test_a_compaction_is_a_summary_only_if_it_was_applied(session: CopilotSession) -> None:
    session.compacted("Nothing yet.", success=False)
    assert read(session).context.log.compacted_ms == 0

    session.compacted("The price was fixed.")
    reading = read(session)

    assert reading.context.log.compacted_ms == reading.events[-1].at_ms > 0
    assert of(reading.events, AgentSummary) == [
        AgentSummary(text="The price was fixed.", source="compaction", trigger="manual")
    ]


@pytest.mark.parametrize("what", ["prompt", "resume"])
def test_the_next_prompt_or_start_makes_up_for_a_compaction(session: CopilotSession, what: str) -> None:
    session.compacted("The price was fixed.")
    if what == "prompt":
        session.prompt("Go on")
    else:
        session.resume()

    assert read(session).context.log.compacted_ms == 0


def test_what_a_sub_agent_does_is_its_own(session: CopilotSession) -> None:
    session.call("c1", "task", description="Look at tests", prompt="List the tests.")
    session.record("subagent.started", agent="a1", toolCallId="c1", agentName="explore")
    session.record("user.message", agent="a1", content="List the tests.", source="agent-x")
    session.call("c2", "glob", agent="a1", pattern="*.py")
    session.done("c2", "./a.py", agent="a1")
    session.record("assistant.message", agent="a1", content="One test.", toolRequests=[])
    session.record("subagent.completed", agent="a1", toolCallId="c1", agentName="explore")
    session.done("c1", "One test.")

    events = read(session).events

    assert [prompt.text for prompt in of(events, UserPrompt)] == ["Fix the price."]
    assert of(events, UserPrompt, agent="a1") == [UserPrompt(text="List the tests.", actor="model")]
    assert [call.op for call in of(events, ToolCall, agent="a1")] == ["search"]
    assert [message.text for message in of(events, AssistantMessage, agent="a1")] == ["One test."]
    assert [(result.op, result.subject) for result in of(events, ToolResult)] == [("agent", "Look at tests")]
    assert of(events, BackgroundTask) == []


@pytest.mark.parametrize(("record", "state"), [("subagent.completed", "done"), ("subagent.failed", "failed")])
def test_a_sub_agent_in_the_background_runs_until_it_ends(session: CopilotSession, record: str, state: str) -> None:
    session.call("c1", "task", description="Look at tests", mode="background")
    session.done("c1", "Agent started in background with agent_id: a1. You'll be notified.")
    session.record(record, agent="a1", toolCallId="c1", agentName="explore")

    tasks = of(read(session).events, BackgroundTask)

    assert [(task.task_id, task.state) for task in tasks] == [("c1", "running"), ("c1", state)]


def test_work_in_another_project_is_another_session(session: CopilotSession) -> None:
    other = session.cwd.parent / "garden"
    session.record("session.context_changed", cwd=f"{other}/beds", gitRoot=str(other))
    session.prompt("Water the beds.")
    session.record("session.context_changed", cwd=f"{session.cwd}/sub", gitRoot=str(session.cwd))
    session.prompt("Back to the price.")

    events = read(session).events
    prompts = {event.body.text: event for event in events if isinstance(event.body, UserPrompt)}

    assert prompts["Water the beds."].session == session_in_other_cwd(session.session, digest(str(other))[:8])
    assert prompts["Water the beds."].cwd == f"{other}/beds"
    assert prompts["Back to the price."].session == session.session
    assert prompts["Back to the price."].cwd == f"{session.cwd}/sub"
    assert all(info.branch != "plums" for info in of(events, SessionInfo))


def test_the_sections_of_a_summary_are_its_parts(session: CopilotSession) -> None:
    session.compacted("<overview>\nCents.\n</overview>\n<next_steps>\nTest.\n</next_steps>")

    [summary] = of(read(session).events, AgentSummary)
    assert [(part.kind, part.text) for part in summary.parts] == [("request", "Cents."), ("next", "Test.")]
