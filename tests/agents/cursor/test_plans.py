"""Todo lists."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from carryover.agents.cursor.plans import Todo, questions_of, todos_after
from carryover.model import Question

ONE, TWO = Todo(id="1", text="Fix add", state="active"), Todo(id="2", text="Add sub")


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def todo(ident: str | int, content: str | None = None, status: str | None = None) -> dict[str, Any]:
    return {"id": ident, "content": content, "status": status}


def test_a_list_replaces_the_former() -> None:
    given = raw({"merge": False, "todos": [todo("1", "Fix add", "in_progress"), todo(2, "Add sub", "pending")]})

    assert todos_after((Todo(id="9", text="Old"),), given) == (ONE, TWO)


def test_a_merge_changes_only_what_it_names() -> None:
    given = raw({"merge": True, "todos": [todo("1", status="completed"), todo("3", "Write docs")]})

    assert todos_after((ONE, TWO), given) == (
        Todo(id="1", text="Fix add", state="done"),
        TWO,
        Todo(id="3", text="Write docs"),
    )


def test_what_was_cancelled_is_no_longer_there() -> None:
    assert todos_after((ONE, TWO), raw({"merge": True, "todos": [todo("1", status="cancelled")]})) == (TWO,)


ASKED = {
    "title": "Caps",
    "questions": [
        {"id": "cap", "prompt": "Which cap?", "options": [{"id": "a", "label": "50 percent"}, {"id": "none"}]},
        {"question": "Where?", "options": ["cart", "checkout"]},
    ],
}


def test_each_question_comes_with_its_choices() -> None:
    assert questions_of("c", raw(ASKED)) == (
        Question(call_id="c", text="Which cap?", options=("50 percent", "none")),
        Question(call_id="c", text="Where?", options=("cart", "checkout")),
    )


def test_a_single_question_may_stand_alone() -> None:
    assert questions_of("c", raw({"question": "Go on?"})) == (Question(call_id="c", text="Go on?"),)
