"""Todo lists."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from carryover.agents.cursor.terms.todos import MAX_TODOS, Todo, as_update, todos_after, todos_in
from carryover.model import PlanItem, PlanUpdate
from contract.damage import OTHER_VALUES, damaged

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


def test_a_conversations_own_list_is_read_the_same() -> None:
    assert todos_in(raw([todo("1", "Fix add", "in_progress"), todo("2", "Add sub", "pending")])) == (ONE, TWO)
    assert todos_in(raw([])) == ()
    assert todos_in(raw("none")) is None


def test_the_list_becomes_the_plan() -> None:
    assert as_update((ONE, TWO)) == PlanUpdate(
        items=(PlanItem(text="Fix add", state="active"), PlanItem(text="Add sub"))
    )


def test_other_shapes_are_no_list() -> None:
    for value in OTHER_VALUES:
        assert todos_after((ONE,), raw(value)) is None
    for data in damaged({"merge": True, "todos": [todo("1", "x", "pending")]}):
        todos_after((ONE,), msgspec.Raw(data))


def test_a_very_long_list_is_bounded() -> None:
    found = todos_after((), raw({"todos": [todo(number, "x " * 1000) for number in range(1000)]}))

    assert found is not None
    assert len(found) == MAX_TODOS
