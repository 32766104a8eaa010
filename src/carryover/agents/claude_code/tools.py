"""Tool calls: what each tool does, what it was asked to do, and what a success of it will mean."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.adapter.event_builder import opened, usable_name
from carryover.agents.claude_code import edits, plans, wire
from carryover.agents.claude_code.builder import Builder
from carryover.agents.claude_code.context import MAX_OPEN_CALLS, OpenCall
from carryover.agents.claude_code.kinds import LOOKS_AT_JOB, STOPS_JOB
from carryover.model import Op, PlanProposal
from carryover.records import rawjson, shell_files
from carryover.records.asked import asked_in
from carryover.records.changes import Change
from carryover.records.fields import MAX_NAME_CHARS, SHORT_CHARS, SUBJECT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, first_text, inside
from carryover.records.text import names_own_folder

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
        task=plans.task_change(raw) if name in ("TaskCreate", "TaskUpdate") else None,
        handoff=names_own_folder(" ".join((cwd or "", about, first_text(given, "path")))),
    )


def _job(name: str, raw: msgspec.Raw) -> str:
    given = fields_of(raw) if name in LOOKS_AT_JOB | STOPS_JOB else {}
    return usable_name(first_text(given, *JOBS)) or ""


def _changes(name: str, op: Op, raw: msgspec.Raw, given: Fields, cwd: str | None) -> tuple[Change, ...]:
    if op in ("edit", "write"):
        planned = edits.planned(raw, cwd)
        return (planned,) if planned is not None else ()
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
        todos = plans.todo_list(block.input)
        if todos is None:
            builder.skip("assistant/tool_use/TodoWrite", "unexpected input")
        else:
            builder.add(todos, f"{part}.todos", call_id)
