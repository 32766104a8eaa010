"""Todo lists: whole lists (TodoWrite) and single changes to a task list (TaskCreate, TaskUpdate, TaskList)."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from carryover.agents.claude_code.context import MAX_TASKS, Task, TaskChange
from carryover.model import PlanItem, PlanState, PlanUpdate
from carryover.records import rawjson
from carryover.records.fields import MAX_NAME_CHARS, SHORT_CHARS, bounded

STATES: Final[dict[str, PlanState]] = {"pending": "pending", "in_progress": "active", "completed": "done"}


class Todo(msgspec.Struct, frozen=True):
    """One entry of TodoWrite's input (2.0.65, 2.1.111)."""

    content: str
    status: str = "pending"


class TodoInput(msgspec.Struct, frozen=True):
    """Input of TodoWrite: the whole list (2.0.65, 2.1.111)."""

    todos: list[Todo]


class TaskInput(msgspec.Struct, frozen=True, rename="camel"):
    """Input of TaskCreate and TaskUpdate (2.1.328)."""

    task_id: str | None = None
    subject: str | None = None
    status: str | None = None


class ListedTask(msgspec.Struct, frozen=True):
    """A task as TaskCreate and TaskList return it (2.1.328)."""

    id: str
    subject: str = ""
    status: str = "pending"


class TaskResult(msgspec.Struct, frozen=True):
    """`toolUseResult` of TaskCreate (`task`) and TaskList (`tasks`) (2.1.328)."""

    task: ListedTask | None = None
    tasks: list[ListedTask] | None = None


def todo_list(raw: msgspec.Raw) -> PlanUpdate | None:
    """The list a TodoWrite call sets, None when its input has another shape."""
    given = rawjson.part_of(raw, TodoInput)
    if given is None:
        return None
    return PlanUpdate(items=tuple(PlanItem(text=todo.content, state=_state(todo.status)) for todo in given.todos))


def task_change(raw: msgspec.Raw) -> TaskChange | None:
    """What a TaskCreate or TaskUpdate call asks for, None when its input has another shape."""
    given = rawjson.part_of(raw, TaskInput)
    if given is None or len(given.task_id or "") > MAX_NAME_CHARS:
        return None
    state: Literal["pending", "active", "done", "deleted"] | None = None
    if given.status is not None:
        state = "deleted" if given.status == "deleted" else _state(given.status)
    return TaskChange(
        id=given.task_id, text=bounded(given.subject, SHORT_CHARS) if given.subject else None, state=state
    )


def apply(
    tasks: tuple[Task, ...], change: TaskChange | None, result: TaskResult | None, output: str
) -> tuple[Task, ...]:
    """The task list after a successful call.

    A created task gets its id from the result, or from its text in sub-agents' files, where there is no result. A
    task that was created before the transcript began is unknown until it is listed.
    """
    if result is not None and result.tasks is not None:
        listed = (Task(id=t.id, text=bounded(t.subject, SHORT_CHARS), state=_state(t.status)) for t in result.tasks)
        return tuple(task for task in listed if task.text and len(task.id) <= MAX_NAME_CHARS)[-MAX_TASKS:]
    if change is None:
        return tasks
    if change.id is None:
        return _created(tasks, change, result, output)
    if change.state == "deleted":
        return tuple(task for task in tasks if task.id != change.id)
    return tuple(_updated(task, change, change.state) if task.id == change.id else task for task in tasks)


_CREATED: Final = re.compile(r"Task #(\S+) created")


def _created(tasks: tuple[Task, ...], change: TaskChange, result: TaskResult | None, output: str) -> tuple[Task, ...]:
    task_id = result.task.id if result is not None and result.task is not None else None
    if task_id is None and (found := _CREATED.search(output)):
        task_id = found[1]
    if task_id is None or not change.text:
        return tasks
    others = tuple(task for task in tasks if task.id != task_id)
    return (*others, Task(id=task_id, text=change.text))[-MAX_TASKS:]


def _updated(task: Task, change: TaskChange, state: PlanState | None) -> Task:
    return Task(id=task.id, text=change.text or task.text, state=state or task.state)


def as_update(tasks: tuple[Task, ...]) -> PlanUpdate:
    """Returns the event that sets the whole task list."""
    return PlanUpdate(items=tuple(PlanItem(text=task.text, state=task.state) for task in tasks))


def _state(status: str) -> PlanState:
    return STATES.get(status, "pending")
