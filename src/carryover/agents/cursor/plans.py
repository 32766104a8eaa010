"""Todo lists and questions: `TodoWrite`, a conversation's `todos`, and `AskQuestion`."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.model import PlanItem, PlanState, PlanUpdate, Question
from carryover.records import rawjson
from carryover.records.fields import MAX_NAME_CHARS, SHORT_CHARS, bounded
from carryover.records.lenient import fields_of, is_true, items_of, number_of, text_of

MAX_TODOS: Final = 100
MAX_QUESTIONS: Final = 6
"""Most questions of one call; Cursor's own form has fewer."""
STATES: Final[dict[str, PlanState]] = {"pending": "pending", "in_progress": "active", "completed": "done"}
DROPPED: Final = "cancelled"


class Todo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry of the todo list."""

    id: str
    text: str
    state: PlanState = "pending"


def todos_after(todos: tuple[Todo, ...], args: msgspec.Raw) -> tuple[Todo, ...] | None:
    """Returns the list after a TodoWrite call; None if its arguments have another shape.

    With `merge`, only the entries it names change.
    """
    listed = fields_of(args).get("todos", rawjson.ABSENT)
    if bytes(listed)[:1] != b"[":
        return None
    kept = {todo.id: todo for todo in todos} if is_true(fields_of(args).get("merge")) else {}
    for number, entry in enumerate(map(fields_of, items_of(listed))):
        given = number_of(entry.get("id"))
        ident = (text_of(entry.get("id")) or str(number if given is None else given))[:MAX_NAME_CHARS]
        former, status = kept.get(ident), text_of(entry.get("status"))
        text = bounded(text_of(entry.get("content")), SHORT_CHARS) or (former.text if former else "")
        if status == DROPPED or not text:
            kept.pop(ident, None)
        else:
            state = STATES.get(status, "pending") if status else former.state if former else "pending"
            kept[ident] = Todo(id=ident, text=text, state=state)
    return tuple(kept.values())[:MAX_TODOS]


def todos_in(raw: msgspec.Raw) -> tuple[Todo, ...] | None:
    """Returns a conversation's todo list; None if it has another shape."""
    return todos_after((), msgspec.Raw(b'{"todos":' + bytes(raw) + b"}"))


def as_update(todos: tuple[Todo, ...]) -> PlanUpdate:
    """Returns the event that sets the whole list."""
    return PlanUpdate(items=tuple(PlanItem(text=todo.text, state=todo.state) for todo in todos))


def questions_of(call_id: str, args: msgspec.Raw) -> tuple[Question, ...]:
    """Returns the questions of a call with their choices; empty if its arguments have another shape (FACTS.md)."""
    given = fields_of(args)
    asked = list(map(fields_of, items_of(given.get("questions")))) or [given]
    found = (
        Question(call_id=call_id, text=text, options=tuple(map(_label, items_of(one.get("options")))))
        for one in asked
        if (text := text_of(one.get("prompt")) or text_of(one.get("question")))
    )
    return tuple(found)[:MAX_QUESTIONS]


def _label(raw: msgspec.Raw) -> str:
    option = fields_of(raw)
    return text_of(raw) or text_of(option.get("label")) or text_of(option.get("id"))
