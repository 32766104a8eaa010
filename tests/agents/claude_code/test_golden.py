"""Every recording against what an independent reading of the same files found (fixtures/expected.json)."""

from __future__ import annotations

import json
import posixpath
from typing import Any, TypeVar

import pytest

from agents.claude_code.contract_case import FIXTURES, recordings
from carryover.agents.claude_code.adapter import AGENT
from carryover.agents.claude_code.wire import BUILT_IN
from carryover.model import (
    AgentSummary,
    AssistantMessage,
    Event,
    FileEdit,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
)
from contract.case import Recording, read_on, source_at

EXPECTED: dict[str, Any] = json.loads((FIXTURES / "expected.json").read_text())
PROJECT = "/home/dev/shop"
B = TypeVar("B")

SESSIONS = [recording for recording in recordings() if str(recording.path.relative_to(FIXTURES)) in EXPECTED]


@pytest.fixture(params=SESSIONS, ids=str)
def recording(request: pytest.FixtureRequest) -> Recording:
    found: Recording = request.param
    return found


@pytest.fixture
def expected(recording: Recording) -> dict[str, Any]:
    found: dict[str, Any] = EXPECTED[str(recording.path.relative_to(FIXTURES))]
    return found


@pytest.fixture
def events(recording: Recording) -> list[Event]:
    return read_on(AGENT, source_at(AGENT, recording)).events


def of(events: list[Event], kind: type[B]) -> list[B]:
    return [event.body for event in events if isinstance(event.body, kind)]


def test_every_session_of_the_reading_is_here() -> None:
    assert len(SESSIONS) == len(EXPECTED)


def test_prompts(events: list[Event], expected: dict[str, Any]) -> None:
    """But for the commands the client runs itself, which the independent reading lists too."""
    wanted = [
        (None, prompt) if isinstance(prompt, str) else (prompt["slash"], prompt["args"])
        for prompt in expected["prompts"]
        if isinstance(prompt, str) or prompt["slash"] not in BUILT_IN
    ]

    assert [(prompt.command, prompt.text) for prompt in of(events, UserPrompt)] == wanted
    assert all(prompt.actor == "human" for prompt in of(events, UserPrompt))


def test_files_changed(events: list[Event], expected: dict[str, Any]) -> None:
    """But for the plans the client keeps for itself, which the independent reading lists too."""
    wanted = {path: names for path, names in expected["files_changed"].items() if ".claude/plans/" not in path}
    tools = {call.call_id: call.name for call in of(events, ToolCall)}
    changed: dict[str, list[str]] = {}
    for edit in of(events, FileEdit):
        changed.setdefault(posixpath.relpath(edit.path, PROJECT), []).append(tools[edit.call_id or ""])

    assert changed == wanted


def test_commands(events: list[Event], expected: dict[str, Any]) -> None:
    run = [r for r in of(events, ToolResult) if r.op == "shell" and r.actor == "model"]

    assert [{"command": r.subject, "failed": r.status != "ok"} for r in run] == expected["commands"]


def test_failed_calls(events: list[Event], expected: dict[str, Any]) -> None:
    failed = [result for result in of(events, ToolResult) if result.status not in ("ok", "unknown")]

    assert [result.name for result in failed] == [call["tool"] for call in expected["failed_calls"]]
    for result, call in zip(failed, expected["failed_calls"], strict=True):
        if call["rejected_by_user"]:
            assert result.status in ("denied", "interrupted")
        if call["text"].startswith("Exit code"):
            assert result.exit_code == int(call["text"].split()[2])
        assert result.never_ran is (call["text"].startswith("<tool_use_error>") or result.status == "denied")


def test_interrupts_compactions_and_api_errors(events: list[Event], expected: dict[str, Any]) -> None:
    ends = [end.reason for end in of(events, TurnEnd)]

    assert ends.count("interrupted") == expected["interrupts"]
    assert len(of(events, AgentSummary)) == expected["compactions"]
    # 2.0.65 says "unknown" for the 429 that later versions call "rate_limit".
    assert ends.count("limit") == (1 if expected["api_error"] else 0)
    assert ends.count("error") == 0


def test_last_assistant_text(events: list[Event], expected: dict[str, Any]) -> None:
    texts = [message.text for message in of(events, AssistantMessage)]

    assert (texts[-1] if texts else "") == expected["last_assistant_text"]
