"""Questions and plans that were put before the user, what became of them, and goals that the user sets."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from agents.codex.rollout import Rollout
from carryover import model
from carryover.distill.digest import Digest
from carryover.distill.fold import fold
from carryover.model import AnyBody, PlanProposal, UserPrompt


@pytest.fixture(params=["legacy", "paginated"])
def rollout(request: pytest.FixtureRequest) -> Rollout:
    rollout = Rollout(family=request.param)
    rollout.turn()
    return rollout


def test_a_question_and_its_answer(rollout: Rollout) -> None:
    """`request_user_input`: read about, in no recording."""
    asked = {"id": "q1", "question": "Which way?", "options": [{"label": "up"}, {"label": "down"}]}
    call_id = rollout.calls("request_user_input", questions=[asked])
    answered = rollout.output(call_id, '{"answers":{"q1":{"answers":["up"]}}}')

    assert model.Question(call_id=call_id, text="Which way?", options=("up", "down")) in rollout.bodies
    assert answered[1:] == [model.Answer(call_id=call_id, question="Which way?", text="up")]


def test_what_is_typed_beside_an_answer_stands_there_without_the_clients_mark(rollout: Rollout) -> None:
    """As the source of 0.99 to 0.171 writes it."""
    call_id = rollout.calls("request_user_input", questions=[{"id": "q1", "question": "Which way?"}])
    answered = rollout.output(call_id, '{"answers":{"q1":{"answers":["None of the above","user_note: Home"]}}}')

    assert answered[1:] == [model.Answer(call_id=call_id, question="Which way?", text="None of the above, Home")]


def test_a_question_that_the_mode_does_not_allow_was_not_asked(rollout: Rollout) -> None:
    call_id = rollout.calls("request_user_input", questions=[{"id": "q1", "question": "Which way?"}])
    (refused,) = rollout.output(call_id, "request_user_input is unavailable in Default mode")

    assert isinstance(refused, model.ToolResult)
    assert (refused.status, refused.never_ran) == ("error", True)


def test_a_question_that_the_agent_does_not_wait_for_is_open_until_the_user_types() -> None:
    """A run of 0.171: the call has ended at once, and a message has the questions."""
    rollout = Rollout()
    rollout.turn()
    rollout.asks("Add a discount")
    questions = [{"title": "Which unit?", "options": ["cents", "euros"]}, {"title": "Which colour?", "options": []}]
    call_id = rollout.calls("request_user_input_async", questions=questions)
    text = [{"type": "Text", "text": "Which unit?\n- cents\n- euros\n\nWhich colour?"}]
    asked = rollout.item("AgentMessage", id=call_id, content=text, delivery="async", questions=questions)
    ended = rollout.output(call_id, '{"accepted":true}')
    digest = fold(Digest(), rollout.events)
    rollout.asks("Cents, in grey.")

    assert asked == [
        model.Question(call_id="", text="Which unit?", options=("cents", "euros")),
        model.Question(call_id="", text="Which colour?"),
    ]
    assert [one.op for one in ended if isinstance(one, model.ToolResult)] == ["ask"]
    assert [one.text for one in digest.questions] == ["Which unit?", "Which colour?"]
    assert fold(Digest(), rollout.events).questions == ()


def test_each_question_that_the_agent_does_not_wait_for_is_another_one() -> None:
    """Without a text or a call's id, too."""
    rollout = Rollout(family="legacy")
    rollout.turn()
    rollout.asks("Add a discount")
    for title in ("Which unit?", "Which colour?"):
        rollout.event("agent_message", message="", questions=[{"title": title}])

    assert len({event.key for event in rollout.events if isinstance(event.body, model.Question)}) == 2


@pytest.mark.parametrize("family", ["legacy", "paginated"])
def test_a_plan_put_before_the_user(family: Literal["legacy", "paginated"]) -> None:
    """Read about, in no recording."""
    rollout = Rollout(family=family)
    rollout.turn()

    assert rollout.item("Plan", id="turn-1-plan", text="# Plan\n\nShip it.\n") == [
        PlanProposal(call_id="turn-1-plan", text="# Plan\n\nShip it.")
    ]


@pytest.mark.parametrize(
    ("text", "accepts", "bodies"),
    [
        ("Implement the plan.", False, [PlanProposal(call_id="", text="", accepted=True)]),
        ("PLEASE IMPLEMENT THIS PLAN:\n# Plan\n\nShip it.", True, []),
        # With a new thread (source of 0.125 and 0.150).
        (
            "A previous agent produced the plan below to accomplish the user's task. Implement the plan in a fresh "
            "context. Treat the plan as the source of user intent, re-read files as needed, and carry the work "
            "through implementation and verification.\n\n# Plan\n\nShip it.",
            True,
            [],
        ),
        # A run of 0.171.
        ("Read the approved plan at /home/dev/.codex/attachments/1/approved-plan.md and implement it.", True, []),
        ("Read the approved plan at docs/plan.md and implement it.", False, []),
        ("Implement the plan. Leave out the vouchers.", False, []),
    ],
)
def test_the_prompt_with_which_a_plan_is_accepted(text: str, accepts: bool, bodies: list[AnyBody]) -> None:
    """0.115 in the terminal, 0.107 and 0.126 in the editor extension and the app, public sessions."""
    rollout = Rollout()
    rollout.turn()

    assert rollout.asks(text) == [UserPrompt(text=text, accepts_plan=accepts), *bodies]


def test_a_goal_that_the_user_sets_or_rewords_is_a_request_once(rollout: Rollout) -> None:
    """As a run of 0.171.0 wrote it: the turns that it begins have no prompt. Where there is a goal, new words keep the
    time when it was made, and a change of its state may come in the same second (source)."""

    def told(**fields: Any) -> list[AnyBody]:
        goal = {"objective": "In cents", "status": "active", "createdAt": 1795957469, "updatedAt": 1795957469}
        return rollout.event("thread_goal_updated", goal={**goal, **fields})

    rollout.asks("Go.")
    rollout.event("thread_rolled_back", num_turns=1)

    assert told() == [UserPrompt(text="In cents", command="/goal")]
    assert told(status="paused") == []
    assert told(status="paused", tokensUsed=59520, updatedAt=1795957476) == []
    assert told(objective="Half up", updatedAt=1795957480) == [UserPrompt(text="Half up", command="/goal")]
    again = {"createdAt": 1795957490, "updatedAt": 1795957490}
    assert told(objective="Half up", **again) == [UserPrompt(text="Half up", command="/goal")]
    keys = [event.key for event in rollout.events if getattr(event.body, "command", None) == "/goal"]
    assert len(set(keys)) == 3


def test_a_goal_whose_words_are_in_a_file_counts_as_one_with_an_attachment(rollout: Rollout) -> None:
    """The objective of a goal of 4,000 characters, or with a paste, is a sentence of the client (a run of 0.171.0)."""
    file = "/home/dev/.codex/attachments/9f1f3aa9-e34a-4cae-91ea-0cbfa7c4febf/goal-objective.md"
    objective = f"Read the Codex goal objective file at {file} before continuing."
    goal = {"objective": objective, "createdAt": 1795957469, "updatedAt": 1795957469}

    assert rollout.event("thread_goal_updated", goal=goal) == [UserPrompt(text="", command="/goal", attachments=1)]
    assert rollout.event("thread_goal_updated", goal={**goal, "status": "paused", "updatedAt": 1795957476}) == []


def test_a_goal_that_the_model_sets_or_a_fork_takes_from_its_parent_is_no_request(rollout: Rollout) -> None:
    """A fork has the goal without a record of it, until its state changes (source)."""
    goal = {"objective": "Round in whole cents", "createdAt": 1795957469, "updatedAt": 1795957469}
    paused = {**goal, "status": "paused", "updatedAt": 1795957476}

    assert rollout.event("thread_goal_updated", goal=paused) == []
    assert rollout.event("thread_goal_updated", goal={**goal, "createdAt": 1795957480}, turnId="turn-1") == []
    assert rollout.event("thread_goal_updated", goal={**paused, "createdAt": 1795957480}) == []
