"""Every recording against what an independent reading of the same files found (fixtures/expected.json).

That reading took prompts and answers from what the model was sent, and commands, patches and exit codes from the calls
and the text of their outputs: the records that the adapter passes by where there are better ones.
"""

from __future__ import annotations

import json
import posixpath
import re
from typing import Any

import pytest

from agents.codex.contract_case import FIXTURES, recording, recordings
from carryover import model
from carryover.agents.codex.adapter import AGENT
from carryover.agents.codex.calls import CODE_MODE
from contract.case import of, read_on, source_at

EXPECTED: dict[str, Any] = json.loads((FIXTURES / "expected.json").read_text())
STATES = {"done": "completed", "active": "in_progress", "pending": "pending"}


def patched_files(events: list[model.Event]) -> dict[str, str]:
    """Those that a shell command wrote aside."""
    patched = {r.call_id for r in of(events, model.ToolResult) if r.op == "edit"}
    edits = [edit for edit in of(events, model.FileEdit) if edit.call_id in patched]
    cwd = next((event.cwd for event in events if event.cwd is not None), "/")
    return {posixpath.relpath(edit.path, cwd): edit.change for edit in edits}


def failed_patches(events: list[model.Event]) -> list[model.ToolResult]:
    return [r for r in of(events, model.ToolResult) if r.op == "edit" and r.status == "error" and not r.never_ran]


def reading_of(events: list[model.Event]) -> dict[str, Any]:
    """The events in the form of the independent reading, which leaves out what is empty.

    A plan counts where the client took it: 0.169 knows no `update_plan` unless it is told to.
    """
    reasons = [end.reason for end in of(events, model.TurnEnd)]
    plans = [[[item.text, STATES[item.state]] for item in plan.items] for plan in of(events, model.PlanUpdate)]
    found = {
        "prompts": [prompt.text for prompt in of(events, model.UserPrompt) if prompt.actor == "human"],
        "last_answer": ([message.text for message in of(events, model.AssistantMessage)] or [""])[-1],
        "commands": [
            [r.subject, r.exit_code] for r in of(events, model.ToolResult) if r.op == "shell" and r.actor == "model"
        ],
        "files": patched_files(events),
        "failed_patches": len(failed_patches(events)),
        "plan": (plans or [[]])[-1],
        "interrupted": reasons.count("interrupted"),
        "limits": reasons.count("limit"),
        "errors": reasons.count("error"),
        "compactions": len(of(events, model.AgentSummary)),
    }
    return {name: value for name, value in found.items() if value}


def test_every_recording_is_in_the_reading() -> None:
    names = {"/".join(found.path.relative_to(FIXTURES).parts[:2]) for found in recordings()}

    assert names == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recording_becomes_what_the_reading_found(name: str) -> None:
    events = read_on(AGENT, source_at(AGENT, recording(name))).events
    results = of(events, model.ToolResult)
    ids = [result.call_id for result in results]

    assert reading_of(events) == EXPECTED[name]
    assert len(ids) == len(set(ids)), "each call has one result at most"
    for result in results:
        assert result.output == "" or result.name != CODE_MODE
        if result.op == "shell" and result.actor == "model":
            assert result.status == {0: "ok", None: result.status}.get(result.exit_code, "error")
            assert result.exit_code is not None or result.status in ("interrupted", "denied")
    for result in failed_patches(events):
        assert (result.name, result.subject) == ("apply_patch", "/home/dev/shop/pricing.py")
        assert re.search(r"Failed to find expected lines (\[.*\] )?in /home/dev/shop/pricing.py", result.output)
    # Hooks put a handoff into several of the recordings, marked by a word of its own.
    assert "HANDOFF-CTX-MARK" not in repr(events)
    assert "AGENTS-MARK" not in repr(events)
