"""Tool calls: what each tool does, and what it was asked to do."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from carryover.adapter.event_builder import opened, usable_name
from carryover.agents.copilot import diffs
from carryover.agents.copilot.builder import MAIN, Builder
from carryover.agents.copilot.context import MAX_CHANGES, MAX_OPEN_CALLS, MAX_PLAN_CHARS, OpenCall
from carryover.agents.copilot.kinds import OPS, QUIET_TOOLS, READ_SHELLS, SHELLS
from carryover.agents.copilot.vscode_tools import ABOUT, op_of, todos_in
from carryover.model import Op, PlanProposal, Question
from carryover.records import rawjson, shell_files
from carryover.records.changes import Change
from carryover.records.fields import MAX_NAME_CHARS, SUBJECT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, first_text, items_of, text_of
from carryover.records.patches import files_in_patch
from carryover.records.text import names_own_folder

_PLAN_FILE: Final = "/plan.md"


def parse_call(builder: Builder) -> None:
    """Handles a tool call by the model, and adds any question to the user with it."""
    _parse(builder, actor="model")


def parse_own_call(builder: Builder) -> None:
    """Handles a command that the user ran in the client."""
    _parse(builder, actor="human")


def _parse(builder: Builder, *, actor: Literal["human", "model"]) -> None:
    call_id, name = usable_name(builder.text("toolCallId")), usable_name(builder.text("toolName"))
    if call_id is None or name is None:
        builder.skip(builder.line.type, "no usable id or name")
        return
    if name in QUIET_TOOLS or any(call.id == call_id for call in builder.context.calls):
        return
    raw = builder.data.get("arguments", rawjson.ABSENT)
    given = fields_of(raw)
    in_editor = builder.context.in_editor
    if bytes(raw)[:1] != b"{" and name != "apply_patch" and not in_editor:
        builder.skip(f"{builder.line.type}/{name}", "unexpected arguments")
    call = (_editor_call if in_editor else _open_call)(builder, call_id, name, raw)
    if actor == "human":
        call = msgspec.structs.replace(call, actor="human", changes=())
    builder.add(call.as_event(), "call")
    builder.change(calls=opened(builder.context.calls, call, most=MAX_OPEN_CALLS))
    if not in_editor:
        _parse_said(builder, call, given)
    elif call.op == "plan" and (todos := todos_in(_editor_arguments(raw).get("todoList"))) is not None:
        builder.add(todos, "plan")


def _editor_call(builder: Builder, call_id: str, name: str, raw: msgspec.Raw) -> OpenCall:
    """Returns a call from the VS Code extension's transcript, whose tools are those of VS Code chats."""
    given, op, cwd = _editor_arguments(raw), op_of(name), builder.context.cwd
    about = first_text(given, *ABOUT)
    if op == "shell":
        changes = shell_files.changes(first_text(given, "command"), cwd)
    else:
        changes = diffs.planned_in_editor(name, op, given, cwd)
    return OpenCall(
        id=call_id,
        name=name,
        op=op,
        subject=bounded(about, SUBJECT_CHARS),
        thread=builder.subagent_id or MAIN,
        changes=changes[:MAX_CHANGES],
        handoff=names_own_folder(f"{cwd or ''} {about}"),
    )


def _editor_arguments(raw: msgspec.Raw) -> Fields:
    """Returns the arguments, given as an object or as JSON text from the model."""
    return fields_of(raw) or fields_of(text_of(raw).encode("utf-8", "replace"))


def _open_call(builder: Builder, call_id: str, name: str, raw: msgspec.Raw) -> OpenCall:
    given, cwd = fields_of(raw), builder.context.cwd
    op = _op(name, given)
    about = _subject(name, op, raw, given)
    process = first_text(given, "shellId") if name in READ_SHELLS else ""
    return OpenCall(
        id=call_id,
        name=name,
        op=op,
        subject=bounded(about, SUBJECT_CHARS),
        thread=builder.subagent_id or MAIN,
        changes=_changes(name, op, raw, given, cwd),
        question=bounded(about, SUBJECT_CHARS) if op == "ask" else "",
        plan=_plan(name, op, given),
        process=process if process and len(process) <= MAX_NAME_CHARS else None,
        handoff=names_own_folder(" ".join((cwd or "", about, first_text(given, "path")))),
    )


def _op(name: str, given: Fields) -> Op:
    if name == "sql":
        return "plan" if "todos" in first_text(given, "query").lower() else "other"
    return OPS.get(name, "other")


def _subject(name: str, op: Op, raw: msgspec.Raw, given: Fields) -> str:
    if name == "apply_patch":
        return next(iter(files_in_patch(diffs.patch_text(raw))), "")
    if op in ("read", "edit", "write"):
        return first_text(given, "path", "command")
    if op == "ask":
        return first_text(given, "message", "question")
    if op == "plan":
        return first_text(given, "description", "summary")
    if op in ("agent", "other"):
        return first_text(given, "description", "command", "path", "query", "url", "skill", "pattern")
    return first_text(given, "command", "pattern", "url", "query", "path", "description")


def _changes(name: str, op: Op, raw: msgspec.Raw, given: Fields, cwd: str | None) -> tuple[Change, ...]:
    if op in ("edit", "write"):
        return diffs.planned(name, raw, cwd)
    if name in SHELLS:
        return shell_files.changes(first_text(given, "command"), cwd)
    return ()


def _parse_said(builder: Builder, call: OpenCall, given: Fields) -> None:
    if call.op == "ask" and call.question:
        builder.add(Question(call_id=call.id, text=call.question, options=_options(given)), "question")
    elif call.name == "exit_plan_mode":
        builder.add(PlanProposal(call_id=call.id, text=first_text(given, "summary")), "plan")


def _plan(name: str, op: Op, given: Fields) -> str:
    text, path = "", first_text(given, "path")
    if name == "sql" and op == "plan":
        text = first_text(given, "query")
    elif name == "update_todo":
        text = first_text(given, "todos")
    elif name == "create" and path.endswith(_PLAN_FILE) and diffs.is_own_file(path):
        text = first_text(given, "file_text")
    return text if len(text) <= MAX_PLAN_CHARS else ""


def _options(given: Fields) -> tuple[str, ...]:
    # `choices` in 1.0.48, the fields of a form in 1.0.102.
    form = fields_of(fields_of(given.get("requestedSchema")).get("properties")).values()
    listed = [given.get("choices"), *(fields_of(field).get("enum") for field in form)]
    return tuple(filter(None, (text_of(choice) for choices in listed for choice in items_of(choices))))
