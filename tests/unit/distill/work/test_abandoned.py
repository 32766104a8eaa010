"""A request that was stopped before anything came of it, and left."""

from __future__ import annotations

import pytest

from carryover.distill.work.merge import work_of
from carryover.distill.work.state import WorkState
from carryover.model import TurnEnd
from support.conversation import Conversation, project

GOAL = "Bake rye bread with caraway in the big oven, and write the times into loaf.txt"
TEMPLATE = """Use the `sweep` skill from `skills/sweep.md` and hand every step to `@broom`.

Goal:

- Leave the hall without a crumb

Process:

1. Inspect each corner.
2. Group what lies there by kind.
3. Carry it out.

Return:

- A list of corners
"""


def stopped(prompt: str, *, edits: bool = False) -> Conversation:
    """Work that was done, then a request that the user stopped."""
    talk = Conversation().user(GOAL).ran("loaf.txt", op="edit", name="Edit").edited("loaf.txt")
    talk.says("The rye loaf is baked.").user(prompt).ran("sweep", op="agent", name="Task")
    if edits:
        talk.edited("hall.txt")
    return talk.event(TurnEnd(reason="interrupted"))


def after(talk: Conversation, prompt: str) -> WorkState:
    talk.user(prompt).ran("loaf.txt", op="edit", name="Edit").edited("loaf.txt").says("Done. It is back in the oven.")
    return work_of(project(talk))


def goal_of(state: WorkState) -> str:
    assert state.lead is not None
    assert state.lead.goal is not None
    return state.lead.goal.text


@pytest.mark.parametrize("prompt", ["Undo the caraway - go back to plain dough", "Give the crust ten more minutes"])
def test_a_template_that_was_stopped_leaves_the_goal_before_it(prompt: str) -> None:
    state = after(stopped(TEMPLATE), prompt)

    assert goal_of(state) == GOAL
    assert any(line.goal is not None and line.goal.text.startswith("Use the `sweep`") for line in state.lines[1:])


def test_what_says_more_of_the_stopped_request_belongs_to_it() -> None:
    assert goal_of(after(stopped(TEMPLATE), "Inspect only the corners near the door")).startswith("Use the `sweep`")
    assert goal_of(after(stopped(TEMPLATE), "Do not talk so much")).startswith("Use the `sweep`")


def test_a_stopped_request_that_changed_a_file_stays_the_goal() -> None:
    assert goal_of(after(stopped(TEMPLATE, edits=True), "Undo it all")).startswith("Use the `sweep`")


def test_a_stopped_request_in_sentences_is_left_only_for_what_the_work_before_knows() -> None:
    plain = "New task. Paint the whole hall in yellow, and after that put up the lamps along both of its long walls."

    assert goal_of(after(stopped(plain), "Put the salt into loaf.txt too")) == GOAL
    assert goal_of(after(stopped(plain), "Take a smaller brush for it")) == plain
