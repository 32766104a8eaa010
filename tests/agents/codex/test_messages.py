"""Whose words a record holds, and which of two records of the same words counts."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest

from agents.codex.contract_case import recording
from agents.codex.rollout import Rollout
from carryover.agents.codex.adapter import AGENT
from carryover.model import (
    AgentSummary,
    AnyBody,
    AssistantMessage,
    BackgroundTask,
    PlanProposal,
    Retracted,
    TurnEnd,
    UserPrompt,
)
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


LIMIT = "You’ve hit your usage limit. Upgrade to Pro or try again at 7:42 AM."


def ended(rollout: Rollout, message: str, info: Any) -> list[AnyBody]:
    error = {"message": message, "codex_error_info": info}
    return rollout.event("task_complete", turn_id="turn-1", last_agent_message=None, error=error)


@pytest.fixture
def rollout() -> Rollout:
    rollout = Rollout()
    rollout.turn()
    return rollout


def test_a_usage_limit_ends_the_turn_with_the_clients_words(rollout: Rollout) -> None:
    assert ended(rollout, LIMIT, "usage_limit_exceeded") == [TurnEnd(reason="limit", message=LIMIT, resets="7:42 AM")]


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        ({"response_too_many_failed_attempts": {"http_status_code": 429}}, "limit"),
        ({"response_too_many_failed_attempts": {"http_status_code": 500}}, "error"),
        ("context_window_exceeded", "error"),
        (None, "error"),
    ],
)
def test_other_errors(rollout: Rollout, info: Any, reason: str) -> None:
    (end,) = ended(rollout, "failed", info)

    assert isinstance(end, TurnEnd)
    assert (end.reason, end.message) == (reason, "failed")


def test_an_interrupt_ends_the_turn_it_names_once(rollout: Rollout) -> None:
    rollout.turn("turn-2")

    assert rollout.event("turn_aborted", turn_id="turn-1", reason="interrupted") == [TurnEnd(reason="interrupted")]
    assert rollout.event("turn_aborted", turn_id="turn-1", reason="interrupted") == []
    assert rollout.event("turn_aborted", turn_id="turn-2", reason="review_ended") == []


def test_turns_that_were_taken_back_take_what_was_said_in_them_along() -> None:
    """What was done in them stays: the client leaves the files as they are."""
    rollout = Rollout()
    for name in ("turn-1", "turn-2", "turn-3"):
        rollout.turn(name)
        rollout.asks(f"prompt of {name}")
        rollout.output(rollout.patches("*** Delete File: a.py"), "Exit code: 0\nOutput:\n")
        rollout.says(f"answer of {name}")
    reported = rollout.event("thread_rolled_back", num_turns=2)
    again = rollout.event("thread_rolled_back", num_turns=1)

    assert reported == [
        Retracted(keys=("turn-2/prompt/0", "turn-2/said/0")),
        Retracted(keys=("turn-3/prompt/0", "turn-3/said/0")),
    ]
    assert again == [Retracted(keys=("turn-1/prompt/0", "turn-1/said/0"))]
    assert {key for body in (*reported, *again) if isinstance(body, Retracted) for key in body.keys} <= {
        event.key for event in rollout.events
    }
