"""Todo lists and questions: `TodoWrite`'s whole lists and changes to them, a conversation's `todos`, `AskQuestion`."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.model import PlanItem, PlanState, PlanUpdate, Question
from carryover.records import rawjson
from carryover.records.fields import MAX_NAME_CHARS, SHORT_CHARS, bounded

MAX_TODOS: Final = 100
MAX_QUESTIONS: Final = 6
"""Of one call; Cursor's own form has fewer."""
STATES: Final[dict[str, PlanState]] = {"pending": "pending", "in_progress": "active", "completed": "done"}
DROPPED: Final = "cancelled"


class Todo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry, as it is remembered."""

    id: str
    text: str
    state: PlanState = "pending"


class WireTodo(msgspec.Struct, frozen=True):
    """One entry in the arguments of TodoWrite. Without `merge`, all fields are there."""

    id: str | int | None = None
    content: str | None = None
    status: str | None = None


class WireTodos(msgspec.Struct, frozen=True):
    """Arguments of TodoWrite. With `merge` only the entries named change."""

    todos: list[WireTodo]
    merge: bool | None = None


class WireOption(msgspec.Struct, frozen=True):
    """One option of a question of AskQuestion (the fields are unverified: see FACTS.md)."""

    label: str | None = None
    id: str | None = None


class WireQuestion(msgspec.Struct, frozen=True):
    """A question, or the arguments of AskQuestion (the fields are unverified: see FACTS.md)."""

    prompt: str | None = None
    question: str | None = None
    options: list[WireOption | str] | None = None
    questions: list[WireQuestion] | None = None


def todos_after(todos: tuple[Todo, ...], args: msgspec.Raw) -> tuple[Todo, ...] | None:
    """The list after a TodoWrite call, None when its arguments have another shape."""
    given = rawjson.part_of(args, WireTodos)
    if given is None or not isinstance(given.merge, bool | None):
        return None
    kept = {todo.id: todo for todo in todos} if given.merge else {}
    for number, wire in enumerate(given.todos):
        ident = str(wire.id if wire.id is not None else number)[:MAX_NAME_CHARS]
        former = kept.get(ident)
        text = bounded(wire.content, SHORT_CHARS) if wire.content else former.text if former else ""
        state = STATES.get(wire.status, "pending") if wire.status else former.state if former else "pending"
        if wire.status == DROPPED or not text:
            kept.pop(ident, None)
        else:
            kept[ident] = Todo(id=ident, text=text, state=state)
    return tuple(kept.values())[:MAX_TODOS]


def is_merge(args: msgspec.Raw) -> bool:
    """Whether a TodoWrite call changes only what it names."""
    given = rawjson.part_of(args, WireTodos)
    return given is not None and given.merge is True


def todos_in(raw: msgspec.Raw) -> tuple[Todo, ...] | None:
    """A list of todos as a conversation holds it, None when it has another shape."""
    return todos_after((), msgspec.Raw(b'{"todos":' + bytes(raw) + b"}"))


def as_update(todos: tuple[Todo, ...]) -> PlanUpdate:
    """The list as the event that it becomes."""
    return PlanUpdate(items=tuple(PlanItem(text=todo.text, state=todo.state) for todo in todos))


def questions_of(call_id: str, args: msgspec.Raw) -> tuple[Question, ...]:
    """What a call asks, with the choices it offers. Empty where its arguments have another shape."""
    given = rawjson.part_of(args, WireQuestion)
    if given is None:
        return ()
    found = (
        Question(call_id=call_id, text=text, options=tuple(_label(option) for option in wire.options or ()))
        for wire in given.questions or [given]
        if (text := wire.prompt or wire.question)
    )
    return tuple(found)[:MAX_QUESTIONS]


def _label(option: WireOption | str) -> str:
    return option if isinstance(option, str) else option.label or option.id or ""
