"""Questions to the user, todo lists and states of jobs, in the form that most agents use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from carryover.model import PlanItem, PlanState, PlanUpdate, Question
from carryover.records.fields import SHORT_CHARS, bounded
from carryover.records.lenient import fields_of, first_text, items_of, text_of
from carryover.text.pattern import later

MOST_QUESTIONS: Final = 20
MOST_TODOS: Final = 200
JOB_STATES: Final[dict[str, Literal["running", "done", "failed", "stopped"]]] = {
    "running": "running",
    "completed": "done",
    **dict.fromkeys(("failed", "errored"), "failed"),
    **dict.fromkeys(("killed", "stopped", "interrupted", "shutdown"), "stopped"),
}
_BOX: Final = later(r"^[^\S\n]*[-*] \[(.)\] +(\S.*)$", re.MULTILINE)
PLAN_STATES: Final[dict[str, PlanState]] = {
    "pending": "pending",
    **dict.fromkeys(("in_progress", "in-progress"), "active"),
    **dict.fromkeys(("completed", "done"), "done"),
}


class Asked(msgspec.Struct, frozen=True):
    """A question put to the user."""

    question: str
    id: str = ""
    options: tuple[str, ...] = ()

    def as_event(self, call_id: str) -> Question:
        """Returns the event for the question."""
        return Question(call_id=call_id, text=self.question, options=self.options)


def asked_in(raw: msgspec.Raw | None) -> list[Asked]:
    """Returns the questions in a list of the form `[{"question", "id", "options": [{"label"}]}]`. A question may be a
    `prompt`, and an option a text alone."""
    found = []
    for fields in map(fields_of, items_of(raw)[:MOST_QUESTIONS]):
        options = items_of(fields.get("options"))
        labels = (text_of(option) or first_text(fields_of(option), "label", "id") for option in options)
        if text := first_text(fields, "question", "prompt"):
            found.append(Asked(text, text_of(fields.get("id")), tuple(filter(None, labels))))
    return found


def plan_items(raw: msgspec.Raw | None, name: str) -> tuple[PlanItem, ...]:
    """Returns the entries of a list of the form `[{<name>, "status"}]`, without cancelled ones."""
    todos = map(fields_of, items_of(raw)[:MOST_TODOS])
    entries = [(text_of(todo.get(name)), text_of(todo.get("status"))) for todo in todos]
    return tuple(
        PlanItem(text=bounded(text, SHORT_CHARS), state=PLAN_STATES.get(status, "pending"))
        for text, status in entries
        if text and status != "cancelled"
    )


def checklist(text: str, *, active: str = "") -> tuple[PlanItem, ...]:
    r"""Returns the entries of a list in Markdown: the lines with a box. `active`: marks of an entry in progress.

    >>> [item.state for item in checklist("- [x] Read\n- [-] Write\n- [ ] Check\n- [ ]", active="-")]
    ['done', 'active', 'pending']
    """
    states: dict[str, PlanState] = {"x": "done", "X": "done", **dict.fromkeys(active, "active")}
    found = [(box, bounded(said.rstrip(), SHORT_CHARS)) for box, said in _BOX.findall(text)[:MOST_TODOS]]
    return tuple(PlanItem(text=said, state=states.get(box, "pending")) for box, said in found)


def plan_of(todos: Mapping[str, PlanItem]) -> PlanUpdate:
    """Returns the event that sets the whole of a list whose entries, by id, are changed one by one."""
    return PlanUpdate(items=tuple(todos.values()))
