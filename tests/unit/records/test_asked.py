from __future__ import annotations

import json

import msgspec
import pytest

from carryover.model import Question
from carryover.records.asked import Asked, asked_in, plan_items


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def test_questions_with_their_choices() -> None:
    given = [{"question": "Which?", "id": "q1", "options": [{"label": "A"}, {"label": 5}, "B"]}, {"question": ""}, 5]
    found = asked_in(raw(given))

    assert found == [Asked("Which?", "q1", ("A",))]
    assert found[0].as_event("c1") == Question(call_id="c1", text="Which?", options=("A",))


def test_a_todo_list_without_what_was_given_up() -> None:
    states = ("pending", "in_progress", "completed", "cancelled", "brand-new")
    todos = [{"step": state, "status": state} for state in states]

    items = plan_items(raw([*todos, {"step": 5}]), "step", most=9)
    assert [(item.text, item.state) for item in items] == [
        ("pending", "pending"), ("in_progress", "active"), ("completed", "done"), ("brand-new", "pending"),
    ]  # fmt: skip
    assert plan_items(raw(todos), "step", most=1) == items[:1]


@pytest.mark.parametrize("value", [None, 5, {}, "words"])
def test_what_is_no_list_holds_none(value: object) -> None:
    assert (asked_in(raw(value)), plan_items(raw(value), "step", most=9)) == ([], ())
