"""Todo lists and task lists."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from carryover.agents.claude_code.builder import MAX_TASKS, Task, TaskChange
from carryover.agents.claude_code.tools import ListedTask, TaskResult, apply, as_update, task_change, todo_list
from carryover.model import PlanItem, PlanUpdate


def raw(**fields: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(fields).encode())


def test_states_have_our_names() -> None:
    todos = [{"content": s, "status": s} for s in ("pending", "in_progress", "completed", "brand-new")]

    assert todo_list(raw(todos=todos)) == PlanUpdate(
        items=(
            PlanItem(text="pending", state="pending"),
            PlanItem(text="in_progress", state="active"),
            PlanItem(text="completed", state="done"),
            PlanItem(text="brand-new", state="pending"),
        )
    )


def test_an_emptied_list_is_a_list() -> None:
    assert todo_list(raw(todos=[])) == PlanUpdate(items=())


def test_a_change_says_only_what_was_asked() -> None:
    assert task_change(raw(subject="Wire it", description="...")) == TaskChange(text="Wire it")
    assert task_change(raw(taskId="3", status="deleted")) == TaskChange(id="3", state="deleted")
    assert task_change(raw(taskId=3)) is None
    assert task_change(raw(taskId="x" * 1000)) is None


def test_a_created_task_has_the_id_its_result_names() -> None:
    result = TaskResult(task=ListedTask(id="7"))

    assert apply((), TaskChange(text="Wire it"), result, "") == (Task(id="7", text="Wire it"),)


def test_a_created_task_has_the_id_its_text_names_where_there_is_no_structured_result() -> None:
    output = "Task #7 created successfully: Wire it"

    assert apply((), TaskChange(text="Wire it"), None, output) == (Task(id="7", text="Wire it"),)
    assert apply((), TaskChange(text="Wire it"), None, "created") == ()


def test_history_written_again_makes_no_second_task() -> None:
    tasks = (Task(id="7", text="Wire it", state="done"),)

    assert apply(tasks, TaskChange(text="Wire it"), TaskResult(task=ListedTask(id="7")), "") == (
        Task(id="7", text="Wire it"),
    )


def test_a_change_of_an_unknown_task_changes_nothing() -> None:
    assert apply((), TaskChange(id="1", state="done"), None, "") == ()


def test_a_renamed_task_keeps_its_state() -> None:
    tasks = (Task(id="1", text="Wire", state="active"),)

    assert apply(tasks, TaskChange(id="1", text="Wire it"), None, "") == (Task(id="1", text="Wire it", state="active"),)


def test_a_listing_replaces_what_was_known() -> None:
    result = TaskResult(tasks=[ListedTask(id="2", subject="Test", status="in_progress"), ListedTask(id="3")])

    assert apply((Task(id="1", text="Old"),), None, result, "") == (Task(id="2", text="Test", state="active"),)


def test_the_list_is_bounded() -> None:
    tasks: tuple[Task, ...] = ()
    for number in range(MAX_TASKS + 5):
        tasks = apply(tasks, TaskChange(text="x"), TaskResult(task=ListedTask(id=str(number))), "")

    assert len(tasks) == MAX_TASKS
    assert tasks[0].id == "5"


def test_the_list_is_sent_as_a_plan() -> None:
    assert as_update((Task(id="1", text="Wire it", state="done"),)) == PlanUpdate(
        items=(PlanItem(text="Wire it", state="done"),)
    )
