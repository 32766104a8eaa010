"""Tool calls: what each tool does, and what it was asked to do."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from carryover.adapter.event_builder import opened, usable_name
from carryover.agents.copilot import diffs, wire
from carryover.agents.copilot.builder import MAIN, Builder
from carryover.agents.copilot.context import MAX_OPEN_CALLS, MAX_PLAN_CHARS, OpenCall
from carryover.agents.copilot.kinds import OPS, QUIET_TOOLS, READ_SHELLS, SHELLS
from carryover.model import Op, PlanProposal, Question
from carryover.records import rawjson, shell_files
from carryover.records.arguments import CallArguments
from carryover.records.changes import Change
from carryover.records.fields import MAX_NAME_CHARS, SUBJECT_CHARS, bounded
from carryover.records.patches import files_in_patch
from carryover.records.text import names_own_folder

_PLAN_FILE: Final = "/plan.md"


class Arguments(CallArguments, frozen=True, rename={"shell_id": "shellId"}):
    """Arguments that may say what a call is about, each of any type: tools of others choose their own."""

    command: msgspec.Raw = rawjson.ABSENT
    path: msgspec.Raw = rawjson.ABSENT
    pattern: msgspec.Raw = rawjson.ABSENT
    url: msgspec.Raw = rawjson.ABSENT
    query: msgspec.Raw = rawjson.ABSENT
    question: msgspec.Raw = rawjson.ABSENT
    message: msgspec.Raw = rawjson.ABSENT
    """The question of `ask_user` (1.0.102)."""
    choices: msgspec.Raw = rawjson.ABSENT
    requested_schema: msgspec.Raw = msgspec.field(default=rawjson.ABSENT, name="requestedSchema")
    summary: msgspec.Raw = rawjson.ABSENT
    todos: msgspec.Raw = rawjson.ABSENT
    file_text: msgspec.Raw = rawjson.ABSENT
    skill: msgspec.Raw = rawjson.ABSENT
    description: msgspec.Raw = rawjson.ABSENT
    shell_id: msgspec.Raw = rawjson.ABSENT


class Field(msgspec.Struct, frozen=True):
    """A field of the form that `ask_user` shows (1.0.102)."""

    enum: list[str] = msgspec.field(default_factory=list)


class Form(msgspec.Struct, frozen=True):
    """`requestedSchema` of `ask_user` (1.0.102)."""

    properties: dict[str, msgspec.Raw] = msgspec.field(default_factory=dict)


def parse_call(builder: Builder) -> None:
    """A call of a tool by the model. What it asks of the user is added with it."""
    _parse(builder, actor="model")


def parse_own_call(builder: Builder) -> None:
    """A command that the user ran in the client."""
    _parse(builder, actor="human")


def _parse(builder: Builder, *, actor: Literal["human", "model"]) -> None:
    start = rawjson.part_of(builder.line.data, wire.ToolStart)
    if start is None or usable_name(start.tool_call_id) is None or usable_name(start.tool_name) is None:
        builder.skip(builder.line.type, "no usable id or name")
        return
    if start.tool_name in QUIET_TOOLS or any(call.id == start.tool_call_id for call in builder.context.calls):
        return
    given = rawjson.part_of(start.arguments, Arguments)
    if given is None:
        if start.tool_name != "apply_patch":
            builder.skip(f"{builder.line.type}/{start.tool_name}", "unexpected arguments")
        given = Arguments()
    call = _open_call(builder, start, given)
    if actor == "human":
        call = msgspec.structs.replace(call, actor="human", changes=())
    builder.add(call.as_event(), "call")
    builder.change(calls=opened(builder.context.calls, call, most=MAX_OPEN_CALLS))
    _parse_said(builder, call, given)


def _open_call(builder: Builder, start: wire.ToolStart, given: Arguments) -> OpenCall:
    name = start.tool_name
    cwd = builder.context.cwd
    op = _op(name, given)
    about = _subject(name, op, start.arguments, given)
    process = given.first("shell_id") if name in READ_SHELLS else ""
    return OpenCall(
        id=start.tool_call_id,
        name=name,
        op=op,
        subject=bounded(about, SUBJECT_CHARS),
        thread=builder.subagent_id or MAIN,
        changes=_changes(name, op, start.arguments, given, cwd),
        question=bounded(about, SUBJECT_CHARS) if op == "ask" else "",
        plan=_plan(name, op, given),
        process=process if process and len(process) <= MAX_NAME_CHARS else None,
        handoff=names_own_folder(" ".join((cwd or "", about, given.first("path")))),
    )


def _op(name: str, given: Arguments) -> Op:
    if name == "sql":
        return "plan" if "todos" in given.first("query").lower() else "other"
    if name == "str_replace_editor":
        # One tool for all of them (before 0.0.350, read about).
        return {"view": "read", "create": "write"}.get(given.first("command"), "edit")  # type: ignore[return-value]
    return OPS.get(name, "other")


def _subject(name: str, op: Op, raw: msgspec.Raw, given: Arguments) -> str:
    if name == "apply_patch":
        return next(iter(files_in_patch(diffs.patch_text(raw))), "")
    if op in ("read", "edit", "write"):
        return given.first("path", "command")
    if op == "ask":
        return given.first("message", "question")
    if op == "plan":
        return given.first("description", "summary")
    if op in ("agent", "other"):
        return given.first("description", "command", "path", "query", "url", "skill", "pattern")
    return given.first("command", "pattern", "url", "query", "path", "description")


def _changes(name: str, op: Op, raw: msgspec.Raw, given: Arguments, cwd: str | None) -> tuple[Change, ...]:
    if op in ("edit", "write"):
        return diffs.planned(name, raw, cwd)
    if name in SHELLS:
        return shell_files.changes(given.first("command"), cwd)
    return ()


def _parse_said(builder: Builder, call: OpenCall, given: Arguments) -> None:
    if call.op == "ask" and call.question:
        builder.add(Question(call_id=call.id, text=call.question, options=_options(given)), "question")
    elif call.name == "exit_plan_mode":
        builder.add(PlanProposal(call_id=call.id, text=given.first("summary")), "plan")


def _plan(name: str, op: Op, given: Arguments) -> str:
    text = ""
    if name == "sql" and op == "plan":
        text = given.first("query")
    elif name == "update_todo":
        text = given.first("todos")
    elif name == "create" and given.first("path").endswith(_PLAN_FILE) and diffs.is_own_file(given.first("path")):
        text = given.first("file_text")
    return text if len(text) <= MAX_PLAN_CHARS else ""


def _options(given: Arguments) -> tuple[str, ...]:
    if (choices := rawjson.part_of(given.choices, list[str])) is not None:
        return tuple(choices)
    form = rawjson.part_of(given.requested_schema, Form) or Form()
    fields = [rawjson.part_of(raw, Field) or Field() for raw in form.properties.values()]
    return tuple(choice for field in fields for choice in field.enum)
