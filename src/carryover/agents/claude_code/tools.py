"""Tool calls: what each tool does, what it was asked to do, and what a success of it will mean."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from carryover.adapter.event_builder import opened, usable_name
from carryover.agents.claude_code import wire
from carryover.agents.claude_code.builder import MAX_OPEN_CALLS, MAX_TASKS, Builder, OpenCall, Task, TaskChange
from carryover.agents.claude_code.wire import LOOKS_AT_JOB, STOPS_JOB
from carryover.model import Op, PlanItem, PlanProposal, PlanState, PlanUpdate
from carryover.records import rawjson, shell_files
from carryover.records.asked import asked_in
from carryover.records.changes import Change, Hunk, Replacement, patched, replaced, written
from carryover.records.fields import MAX_NAME_CHARS, MAX_PATH_CHARS, SHORT_CHARS, SUBJECT_CHARS, bounded, resolved
from carryover.records.lenient import Fields, fields_of, first_text, inside
from carryover.records.text import names_own_folder

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


def apply(tasks: tuple[Task, ...], change: TaskChange | None, result: TaskResult | None) -> tuple[Task, ...]:
    """The task list after a successful call.

    A created task gets its id from the result. One that was created before the transcript began is unknown until it is
    listed.
    """
    if result is not None and result.tasks is not None:
        listed = (Task(id=t.id, text=bounded(t.subject, SHORT_CHARS), state=_state(t.status)) for t in result.tasks)
        return tuple(task for task in listed if task.text and len(task.id) <= MAX_NAME_CHARS)[-MAX_TASKS:]
    if change is None:
        return tasks
    if change.id is None:
        task_id = result.task.id if result is not None and result.task is not None else None
        if task_id is None or not change.text:
            return tasks
        return (*(task for task in tasks if task.id != task_id), Task(id=task_id, text=change.text))[-MAX_TASKS:]
    if change.state == "deleted":
        return tuple(task for task in tasks if task.id != change.id)
    return tuple(
        Task(id=task.id, text=change.text or task.text, state=change.state or task.state)
        if task.id == change.id
        else task
        for task in tasks
    )


def as_update(tasks: tuple[Task, ...]) -> PlanUpdate:
    """Returns the event that sets the whole task list."""
    return PlanUpdate(items=tuple(PlanItem(text=task.text, state=task.state) for task in tasks))


def _state(status: str) -> PlanState:
    return STATES.get(status, "pending")


_OWN_NOTES: Final = re.compile(r"/\.claude/(?:plans|projects)/")
"""Plans and memory that the client keeps for itself (2.0.28, 2.1.328): not work, and outside every project."""


class EditInput(msgspec.Struct, frozen=True):
    """Input of Edit, Write, MultiEdit and NotebookEdit (2.0.65, 2.1.328)."""

    file_path: str | None = None
    notebook_path: str | None = None
    old_string: str | None = None
    new_string: str | None = None
    replace_all: bool | None = None
    content: str | None = None
    edits: list[Replacement] | None = None


class EditResult(msgspec.Struct, frozen=True, rename="camel"):
    """`toolUseResult` of the same tools; absent in sub-agents' files (2.1.328)."""

    file_path: str | None = None
    type: str | None = None
    structured_patch: list[Hunk] | None = None


def planned(raw: msgspec.Raw, cwd: str | None) -> Change | None:
    """The change an edit call asks for, as far as its input says; None when it names no file."""
    given = rawjson.part_of(raw, EditInput)
    if given is None:
        return None
    path = resolved(given.file_path or given.notebook_path or "", cwd)
    if path is None or not (given.file_path or given.notebook_path) or len(path) > MAX_PATH_CHARS:
        return None
    if _OWN_NOTES.search(path):
        return None
    if given.content is not None:
        return written(path, given.content)
    pairs = given.edits or ()
    if given.old_string is not None or given.new_string is not None:
        pairs = [Replacement(old_string=given.old_string or "", new_string=given.new_string or "")]
    return replaced(path, pairs, counted=bool(pairs) and not given.replace_all)


def applied(change: Change, result: EditResult | None, output: str) -> Change:
    """`change` as it was made: distinguishes a created file from an overwritten one; a patch gives the lines."""
    if result is not None and result.type == "create":
        return msgspec.structs.replace(change, change="add")
    if result is not None and result.structured_patch:
        return patched(change, result.structured_patch)
    # In sub-agents' files the text of the result says so (2.0.65, 2.1.328).
    if output.startswith("File created successfully"):
        return msgspec.structs.replace(change, change="add")
    if change.line is None:
        return change
    # The input of Write says how long the file is, which is not what changed in one that existed.
    return msgspec.structs.replace(change, added=None, removed=None, line=None)


OPS: Final[dict[str, Op]] = {
    "Bash": "shell",
    "PowerShell": "shell",
    "Monitor": "shell",
    "Read": "read",
    "NotebookRead": "read",
    "Edit": "edit",
    "MultiEdit": "edit",
    "NotebookEdit": "edit",
    "Write": "write",
    "Glob": "search",
    "Grep": "search",
    "LS": "search",
    "WebFetch": "web",
    "WebSearch": "web",
    "TodoWrite": "plan",
    "TodoRead": "plan",
    "TaskCreate": "plan",
    "TaskUpdate": "plan",
    "TaskList": "plan",
    "TaskGet": "plan",
    "EnterPlanMode": "plan",
    "ExitPlanMode": "plan",
    "AskUserQuestion": "ask",
    "Task": "agent",
    "Agent": "agent",
}
"""What the known tools do (2.0.65 ... 2.1.328). Every other tool, `mcp__*` among them, is `other`."""


SUBJECTS: Final = tuple("command file_path notebook_path pattern url query skill path description subject".split())
"""The input fields that may say what a call is about, the most informative first."""
JOBS: Final = ("task_id", "bash_id", "shell_id", "agentId")
"""Those that name a job in the background: each version has another name for it."""


class PlanInput(msgspec.Struct, frozen=True):
    """Input of ExitPlanMode (2.1.11, 2.1.328). Some versions leave the plan to its file."""

    plan: str = ""


def parse_call(builder: Builder, part: str, block: wire.Block) -> None:
    """A `tool_use` block: the call, and what is already said by calling (a question, a plan, a todo list)."""
    if not block.id or not block.name or len(block.id) + len(block.name) > MAX_NAME_CHARS:
        builder.skip("assistant/tool_use", "no usable id or name")
        return
    given = rawjson.part_of(block.input, Fields)
    if given is None:
        builder.skip(f"assistant/tool_use/{block.name}", "unexpected input")
        given = {}
    call = _open_call(block.id, block.name, block.input, given, builder.place)
    builder.add(call.as_event(), part, call.id)
    builder.change(calls=opened(builder.context.calls, call, most=MAX_OPEN_CALLS))
    _parse_said(builder, part, block)


def human_call(command: str, ident: str) -> OpenCall:
    """The user's own `!command` as a call."""
    return OpenCall(
        id=ident,
        name="Bash",
        op="shell",
        subject=bounded(command, SUBJECT_CHARS),
        actor="human",
        handoff=names_own_folder(command),
    )


def _open_call(call_id: str, name: str, raw: msgspec.Raw, given: Fields, cwd: str | None) -> OpenCall:
    op = OPS.get(name, "other")
    about = first_text(given, *SUBJECTS)
    if op in ("agent", "other"):
        about = first_text(given, "description", *SUBJECTS)
    elif op == "plan":
        about = first_text(given, "subject", *SUBJECTS)
    elif op == "ask":
        about = next((asked.question for asked in asked_in(inside(raw, "questions"))), "")
    return OpenCall(
        id=call_id,
        name=name,
        op=op,
        subject=bounded(about, SUBJECT_CHARS),
        label=bounded(first_text(given, "description"), SHORT_CHARS),
        changes=_changes(name, op, raw, given, cwd),
        task_id=_job(name, raw),
        task=task_change(raw) if name in ("TaskCreate", "TaskUpdate") else None,
        handoff=names_own_folder(" ".join((cwd or "", about, first_text(given, "path")))),
    )


def _job(name: str, raw: msgspec.Raw) -> str:
    given = fields_of(raw) if name in LOOKS_AT_JOB | STOPS_JOB else {}
    return usable_name(first_text(given, *JOBS)) or ""


def _changes(name: str, op: Op, raw: msgspec.Raw, given: Fields, cwd: str | None) -> tuple[Change, ...]:
    if op in ("edit", "write"):
        change = planned(raw, cwd)
        return (change,) if change is not None else ()
    if name == "Bash":
        return shell_files.changes(first_text(given, "command"), cwd)
    return ()


def _parse_said(builder: Builder, part: str, block: wire.Block) -> None:
    call_id = block.id or ""
    if block.name == "AskUserQuestion":
        for number, asked in enumerate(asked_in(inside(block.input, "questions"))):
            builder.add(asked.as_event(call_id), f"{part}.question{number}", call_id)
    elif block.name == "ExitPlanMode":
        plan = rawjson.part_of(block.input, PlanInput) or PlanInput()
        builder.add(PlanProposal(call_id=call_id, text=plan.plan), f"{part}.plan", call_id)
    elif block.name == "TodoWrite":
        todos = todo_list(block.input)
        if todos is None:
            builder.skip("assistant/tool_use/TodoWrite", "unexpected input")
        else:
            builder.add(todos, f"{part}.todos", call_id)
