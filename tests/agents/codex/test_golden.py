"""Every recording against what an independent reading of the same files found (fixtures/expected.json).

That reading took prompts and answers from what the model was sent, and commands, patches and exit codes from the calls
and the text of their outputs: the records that the adapter passes by where there are better ones.
"""

from __future__ import annotations

import json
import posixpath
import re
from typing import Any, TypeVar

import pytest

from agents.codex.contract_case import FIXTURES, recording, recordings
from carryover.agents.codex.adapter import AGENT
from carryover.agents.codex.tools import CODE_MODE
from carryover.model import (
    AgentSummary,
    AssistantMessage,
    Event,
    FileEdit,
    PlanUpdate,
    ToolResult,
    TurnEnd,
    UserPrompt,
)
from contract.case import read_on, source_at

EXPECTED: dict[str, Any] = json.loads((FIXTURES / "expected.json").read_text())
STATES = {"completed": "done", "in_progress": "active", "pending": "pending"}
B = TypeVar("B")


@pytest.fixture(params=EXPECTED)
def expected(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"name": request.param, **EXPECTED[request.param]}


@pytest.fixture
def events(expected: dict[str, Any]) -> list[Event]:
    return read_on(AGENT, source_at(AGENT, recording(expected["name"]))).events


def of(events: list[Event], kind: type[B]) -> list[B]:
    return [event.body for event in events if isinstance(event.body, kind)]


def test_every_recording_is_in_the_reading() -> None:
    names = {"/".join(found.path.relative_to(FIXTURES).parts[:2]) for found in recordings()}

    assert names == set(EXPECTED)


def test_prompts(events: list[Event], expected: dict[str, Any]) -> None:
    typed = [prompt.text for prompt in of(events, UserPrompt) if prompt.actor == "human"]

    assert typed == expected.get("prompts", [])


def test_last_answer(events: list[Event], expected: dict[str, Any]) -> None:
    texts = [message.text for message in of(events, AssistantMessage)]

    assert (texts[-1] if texts else "") == expected.get("last_answer", "")


def test_commands(events: list[Event], expected: dict[str, Any]) -> None:
    run = [r for r in of(events, ToolResult) if r.op == "shell" and r.actor == "model"]

    assert [[result.subject, result.exit_code] for result in run] == expected.get("commands", [])
    for result in run:
        assert result.status == {0: "ok", None: result.status}.get(result.exit_code, "error")
        assert result.exit_code is not None or result.status in ("interrupted", "denied")


def test_files_patched(events: list[Event], expected: dict[str, Any]) -> None:
    """Those that a shell command wrote aside."""
    patched = {r.call_id for r in of(events, ToolResult) if r.op == "edit"}
    edits = [edit for edit in of(events, FileEdit) if edit.call_id in patched]
    cwd = next((event.cwd for event in events if event.cwd is not None), "/")

    assert {posixpath.relpath(edit.path, cwd): edit.change for edit in edits} == expected.get("files", {})


def test_failed_patches(events: list[Event], expected: dict[str, Any]) -> None:
    failed = [r for r in of(events, ToolResult) if r.op == "edit" and r.status == "error" and not r.never_ran]

    assert len(failed) == expected.get("failed_patches", 0)
    for result in failed:
        assert (result.name, result.subject) == ("apply_patch", "/home/dev/shop/pricing.py")
        assert re.search(r"Failed to find expected lines (\[.*\] )?in /home/dev/shop/pricing.py", result.output)


def test_how_turns_ended(events: list[Event], expected: dict[str, Any]) -> None:
    reasons = [end.reason for end in of(events, TurnEnd)]

    assert reasons.count("interrupted") == expected.get("interrupted", 0)
    assert reasons.count("limit") == expected.get("limits", 0)
    assert reasons.count("error") == expected.get("errors", 0)
    assert len(of(events, AgentSummary)) == expected.get("compactions", 0)


def test_plan(events: list[Event], expected: dict[str, Any]) -> None:
    """A plan counts where the client took it: 0.169 knows no `update_plan` unless it is told to."""
    plans = [[[item.text, item.state] for item in plan.items] for plan in of(events, PlanUpdate)]

    assert (plans[-1] if plans else []) == [[text, STATES[state]] for text, state in expected.get("plan", [])]


def test_each_call_has_one_result_at_most(events: list[Event]) -> None:
    ids = [result.call_id for result in of(events, ToolResult)]

    assert len(ids) == len(set(ids))
    assert all(result.output == "" for result in of(events, ToolResult) if result.name == CODE_MODE)


def test_no_handoff_comes_back(events: list[Event], expected: dict[str, Any]) -> None:
    """Hooks put it into several of the recordings, marked by a word of its own."""
    assert "HANDOFF-CTX-MARK" not in repr(events)
    assert "AGENTS-MARK" not in repr(events)
