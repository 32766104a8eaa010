"""Whose words a record holds, and which of two records of the same words counts."""

from __future__ import annotations

import json
from typing import Literal

import pytest

from agents.codex.contract_case import recording
from agents.codex.rollout import Rollout
from carryover.agents.codex.adapter import AGENT
from carryover.model import AgentSummary, AssistantMessage, BackgroundTask, PlanProposal, UserPrompt
from contract.case import read_on, source_at


@pytest.mark.parametrize("family", ["legacy", "paginated"])
def test_of_the_two_records_of_the_same_words_one_counts(family: Literal["legacy", "paginated"]) -> None:
    rollout = Rollout(family=family)
    rollout.turn()
    rollout.asks("Fix the test.")
    rollout.says("On it.", "commentary")
    if family == "legacy":
        rollout.item("UserMessage", content=[{"type": "text", "text": "Fix the test."}])
        rollout.item("AgentMessage", content=[{"type": "Text", "text": "On it."}])
    else:
        rollout.event("user_message", message="Fix the test.")
        rollout.event("agent_message", message="On it.")

    assert rollout.bodies == [UserPrompt(text="Fix the test."), AssistantMessage(text="On it.", final=False)]


@pytest.mark.parametrize("opening", ["# Context from my IDE setup:", "# Files mentioned by the user:"])
def test_what_an_editor_puts_before_a_prompt_is_not_the_users(opening: str) -> None:
    rollout = Rollout()
    text = f"{opening}\n\n## Active file: pricing.py\n\n## My request for Codex:\nFix the rounding.\n"

    assert rollout.asks(text) == [UserPrompt(text="Fix the rounding.")]
    assert rollout.asks("What does `## My request for Codex:` mean?") == [
        UserPrompt(text="What does `## My request for Codex:` mean?")
    ]


def test_the_words_of_a_review_are_the_clients() -> None:
    """0.169.0: the file that asks for the review repeats them, and has the reviewer's verdict as an answer."""
    events = read_on(AGENT, source_at(AGENT, recording("0.169.0/review-parent"))).events

    assert [event.body for event in events if isinstance(event.body, UserPrompt)] == []
    assert [event.body.text for event in events if isinstance(event.body, AssistantMessage)] == ["fine"]


@pytest.mark.parametrize("cut", ["turn_aborted", "task_complete", None])
def test_a_review_that_was_cut_off_silences_nobody(cut: str | None) -> None:
    rollout = Rollout()
    rollout.turn()
    rollout.item("EnteredReviewMode")
    if cut is not None:
        rollout.event(cut, turn_id="turn-1", reason="interrupted")
    else:  # it was killed
        rollout.turn("turn-2")

    assert rollout.asks("Never mind.") == [UserPrompt(text="Never mind.")]


def test_the_sections_of_a_summary_are_its_parts() -> None:
    """After the client's preface, of 0.169."""
    preface = "Another language model started to solve this problem. Use it to assist with your own analysis:\n"
    rollout = Rollout()
    [summary] = rollout.record("compacted", message=f"{preface}## Progress\nFixed.\n## Next steps (clear)\nTest.")

    assert isinstance(summary, AgentSummary)
    assert summary.text.startswith("## Progress")
    assert rollout.record("compacted", message="# [CARRYOVER] Last updated 2026-11-20 ...") == []
    assert [(part.kind, part.text) for part in summary.parts] == [("current", "Fixed."), ("next", "Test.")]


def test_records_of_another_shape_are_counted() -> None:
    rollout = Rollout()
    rollout.item("UserMessage", content="words of the user")
    legacy = Rollout(family="legacy")
    legacy.event("user_message", message=["words of the user"])

    assert [s.record_type for s in rollout.skipped] == ["item_completed/UserMessage"]
    assert [(s.record_type, s.version) for s in legacy.skipped] == [("event_msg/user_message", "0.169.0")]


@pytest.mark.parametrize(
    ("status", "state", "report"),
    [
        ({"completed": "It is fixed."}, "done", "It is fixed."),
        ({"errored": "No model."}, "failed", "No model."),
        ("shutdown", "stopped", ""),
        ({"running": None}, None, ""),
        (5, None, ""),
    ],
)
def test_the_report_of_a_sub_agent(status: object, state: str | None, report: str) -> None:
    """The first as in 0.169.0/subagent-parent, the others read about."""
    rollout = Rollout()
    rollout.turn()
    text = f"<subagent_notification>\n{json.dumps({'agent_path': 'a1', 'status': status})}\n</subagent_notification>"
    bodies = rollout.response("message", role="user", content=[{"type": "input_text", "text": text}])

    assert bodies == ([] if state is None else [BackgroundTask(task_id="a1", state=state, report=report)])  # type: ignore[arg-type]


@pytest.mark.parametrize("family", ["legacy", "paginated"])
def test_a_plan_put_before_the_user(family: Literal["legacy", "paginated"]) -> None:
    """Read about, in no recording."""
    rollout = Rollout(family=family)
    rollout.turn()

    assert rollout.item("Plan", id="turn-1-plan", text="# Plan\n\nShip it.\n") == [
        PlanProposal(call_id="turn-1-plan", text="# Plan\n\nShip it.")
    ]
