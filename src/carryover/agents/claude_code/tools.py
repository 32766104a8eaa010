"""Tool calls: what each tool does, what it was asked to do, and what its success changes."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from carryover.adapter.event_builder import opened, usable_name
from carryover.agents.claude_code import wire
from carryover.agents.claude_code.builder import MAX_OPEN_CALLS, MAX_TASKS, Builder, OpenCall, Task, TaskChange
from carryover.agents.claude_code.wire import LOOKS_AT_JOB, STOPS_JOB
from carryover.model import Op, PlanItem, PlanProposal, PlanState, PlanUpdate
from carryover.records import rawjson, shell_files
from carryover.records.asked import asked_in, plan_items
from carryover.records.changes import Change, Hunk, Replacement, patched, replaced, written
from carryover.records.fields import MAX_NAME_CHARS, MAX_PATH_CHARS, SHORT_CHARS, SUBJECT_CHARS, bounded, resolved
from carryover.records.lenient import Fields, fields_of, first_text, inside, items_of, text_of
from carryover.records.text import names_own_folder

STATES: Final[dict[str, PlanState]] = {"pending": "pending", "in_progress": "active", "completed": "done"}


def task_change(given: Fields) -> TaskChange:
    """Returns the change that a TaskCreate or TaskUpdate call asks for (2.1.328)."""
    status = text_of(given.get("status"))
    return TaskChange(
        id=usable_name(text_of(given.get("taskId"))),
        text=bounded(text_of(given.get("subject")), SHORT_CHARS) or None,
        state="deleted" if status == "deleted" else STATES.get(status),
    )


def tasks_after(tasks: tuple[Task, ...], change: TaskChange | None, result: Fields) -> tuple[Task, ...]:
    """Returns the task list after a call that succeeded with `result` (`task` from TaskCreate, `tasks` from TaskList).

    A task created before the transcript began is unknown until it is listed.
    """
    if "tasks" in result:
        listed = map(_listed, map(fields_of, items_of(result["tasks"])))
        return tuple(task for task in listed if usable_name(task.id) and task.text)[-MAX_TASKS:]
    if change is None:
        return tasks
    if change.id is None:
        task_id = usable_name(_listed(fields_of(result.get("task"))).id)
        if task_id is None or change.text is None:
            return tasks
        return (*(task for task in tasks if task.id != task_id), Task(id=task_id, text=change.text))[-MAX_TASKS:]
    if change.state == "deleted":
        return tuple(task for task in tasks if task.id != change.id)
    changed = {"text": change.text, "state": change.state}
    news = {name: value for name, value in changed.items() if value is not None}
    return tuple(msgspec.structs.replace(task, **news) if task.id == change.id else task for task in tasks)


def _listed(task: Fields) -> Task:
    state = STATES.get(text_of(task.get("status")), "pending")
    return Task(id=text_of(task.get("id")), text=bounded(text_of(task.get("subject")), SHORT_CHARS), state=state)


def as_update(tasks: tuple[Task, ...]) -> PlanUpdate:
    """Returns the event that sets the whole task list."""
    return PlanUpdate(items=tuple(PlanItem(text=task.text, state=task.state) for task in tasks))


_OWN_NOTES: Final = re.compile(r"/\.claude/(?:plans|projects)/")
"""Plans and memory that the client keeps for itself (2.0.28, 2.1.328), outside every project and not part of the
work."""


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
    """Returns the change that an edit call asks for, as far as its input shows it; None if it names no file."""
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
    """Returns `change` as it was made.

    The result tells a created file from an overwritten one, and its patch gives the lines.
    """
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


_TOOLS: Final[dict[Op, str]] = {
    "shell": "Bash PowerShell Monitor",
    "read": "Read NotebookRead",
    "edit": "Edit MultiEdit NotebookEdit",
    "write": "Write",
    "search": "Glob Grep LS",
    "web": "WebFetch WebSearch",
    "plan": "TodoWrite TodoRead TaskCreate TaskUpdate TaskList TaskGet EnterPlanMode ExitPlanMode",
    "ask": "AskUserQuestion",
    "agent": "Task Agent",
}
OPS: Final = {tool: op for op, tools in _TOOLS.items() for tool in tools.split()}
"""Operations of the known tools (2.0.65 to 2.1.328). All others, including `mcp__*`, are `other`."""


SUBJECTS: Final = tuple("command file_path notebook_path pattern url query skill path description subject".split())
"""The input fields that may describe a call, the most informative first."""
JOBS: Final = ("task_id", "bash_id", "shell_id", "agentId")
"""Keys for the id of a background job: each version has a different one."""


class PlanInput(msgspec.Struct, frozen=True):
    """Input of ExitPlanMode (2.1.11, 2.1.328). Some versions only write the plan to its file."""

    plan: str = ""


def parse_call(builder: Builder, part: str, block: wire.Block) -> None:
    """Handles a `tool_use` block: adds the call and any question, plan or todo list in its input."""
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
    """Returns the user's own `!command` as a call."""
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
        task=task_change(given) if name in ("TaskCreate", "TaskUpdate") else None,
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
        todos = plan_items(fields_of(block.input).get("todos"), "content", most=MAX_TASKS)
        builder.add(PlanUpdate(items=todos), f"{part}.todos", call_id)
