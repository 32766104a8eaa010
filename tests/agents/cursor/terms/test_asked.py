"""Questions that a tool puts to the user."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from carryover.agents.cursor.terms.asked import MAX_QUESTIONS, questions_of
from carryover.model import Question
from contract.damage import OTHER_VALUES, damaged

ASKED = {
    "title": "Caps",
    "questions": [
        {"id": "cap", "prompt": "Which cap?", "options": [{"id": "a", "label": "50 percent"}, {"id": "none"}]},
        {"question": "Where?", "options": ["cart", "checkout"]},
    ],
}


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def test_each_question_comes_with_its_choices() -> None:
    assert questions_of("c", raw(ASKED)) == (
        Question(call_id="c", text="Which cap?", options=("50 percent", "none")),
        Question(call_id="c", text="Where?", options=("cart", "checkout")),
    )


def test_a_single_question_may_stand_alone() -> None:
    assert questions_of("c", raw({"question": "Go on?"})) == (Question(call_id="c", text="Go on?"),)


def test_other_shapes_ask_nothing() -> None:
    assert questions_of("c", raw({"questions": []})) == ()
    assert questions_of("c", raw({"questions": [{"options": ["a"]}]})) == ()
    for value in OTHER_VALUES:
        assert questions_of("c", raw(value)) == ()
    for data in damaged(ASKED):
        questions_of("c", msgspec.Raw(data))


def test_no_call_asks_more_than_can_be_answered() -> None:
    assert len(questions_of("c", raw({"questions": [{"prompt": "?"}] * 100}))) == MAX_QUESTIONS
