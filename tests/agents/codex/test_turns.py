"""How turns end: limits, errors, interrupts."""

from __future__ import annotations

from typing import Any

import pytest

from agents.codex.rollout import Rollout
from carryover.model import AnyBody, Retracted, TurnEnd

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
