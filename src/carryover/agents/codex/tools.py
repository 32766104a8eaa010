"""Tool calls: what each tool does, what it was asked to do, and what its success changes."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from carryover.adapter.event_builder import opened, usable_name
from carryover.agents.codex import commands, wire
from carryover.agents.codex.builder import (
    MAX_CHANGES,
    MAX_OPEN_CALLS,
    MAX_PLAN_ITEMS,
    MAX_QUESTIONS,
    Builder,
    OpenCall,
)
from carryover.agents.codex.wire import OPS, SHELLS
from carryover.records import rawjson, shell_files
from carryover.records.asked import Asked, asked_in, plan_items
from carryover.records.changes import Change
from carryover.records.fields import SHORT_CHARS, SUBJECT_CHARS, bounded, resolved
from carryover.records.lenient import Fields, fields_of, first_text, inside
from carryover.records.patches import in_patch
from carryover.records.text import names_own_folder

PATCH: Final = "apply_patch"
CODE_MODE: Final = "exec"
"""The only tool of code mode (gpt-6 models, 0.169): a script, whose commands and patches have separate records."""

_OF_MCP: Final = "mcp__"
_ESCALATED: Final = "require_escalated"
_TEXT: Final = r'"?\s*:\s*("(?:[^"\\]|\\.)*")'
_COMMAND: Final = re.compile(r"tools\.exec_command\(\{(?:[^`]*?[\s,{])?\"?cmd" + _TEXT, re.DOTALL)
_WORKDIR: Final = re.compile(r"\bworkdir" + _TEXT)
"""The arguments of a command in a code mode script, which need not be JSON (0.145, 0.146)."""


def parse_call(builder: Builder, kind: str, call: wire.Call) -> None:
    """Handles a tool call, and emits any question to the user with it."""
    name = call.name
    if name is not None and call.namespace is not None and call.namespace.startswith(_OF_MCP):
        name = f"{call.namespace}__{name}"
    call_id = call.call_id or call.id
    if not usable_name(call_id) or not usable_name(name) or call_id is None or name is None:
        builder.skip(kind, "no usable id or name")
        return
    text = rawjson.string_of(call.input if kind == "custom_tool_call" else call.arguments)
    if text is None:
        builder.skip(f"{kind}/{name}", "unexpected input")
    open_call(builder, _open(builder, call_id, name, call, text or ""))
    for number, asked in enumerate(_questions(name, text or "")):
        builder.add_of_call(asked.as_event(call_id), f"question{number}", call_id)


def open_call(builder: Builder, call: OpenCall) -> None:
    """Adds a call and keeps it open until its result comes."""
    call = msgspec.structs.replace(call, turn=builder.turn.id, subject=bounded(call.subject, SUBJECT_CHARS))
    builder.add_of_call(call.as_event(), "call", call.id)
    builder.change(calls=opened(builder.context.calls, call, most=MAX_OPEN_CALLS))
    if call.id in builder.context.closed:
        builder.change(closed=tuple(other for other in builder.context.closed if other != call.id))


def patch_call(call_id: str, name: str, changes: tuple[Change, ...], *, handoff: bool = False) -> OpenCall:
    """Returns a call that applies a patch."""
    subject = commands.subject(changes)
    return OpenCall(
        id=call_id,
        name=name,
        op="edit",
        subject=subject,
        changes=changes[:MAX_CHANGES],
        handoff=handoff or names_own_folder(subject),
    )


def shell_call(call_id: str, name: str, script: str, cwd: str | None) -> OpenCall:
    """Returns a call that runs a shell command in `cwd`."""
    patch = commands.in_command(script, cwd)
    if patch is not None:
        return patch_call(call_id, PATCH, patch, handoff=names_own_folder(cwd or ""))
    return OpenCall(
        id=call_id,
        name=name,
        op="shell",
        subject=script,
        changes=shell_files.changes(script, cwd)[:MAX_CHANGES],
        handoff=names_own_folder(f"{cwd or ''} {script}"),
    )


def _open(builder: Builder, call_id: str, name: str, call: wire.Call, text: str) -> OpenCall:
    if name == PATCH and rawjson.string_of(call.input) is not None:
        return patch_call(call_id, name, in_patch(text, builder.cwd))
    if name == CODE_MODE and rawjson.string_of(call.input) is not None:
        return _script(builder, call_id, text.strip())
    given = fields_of(text.encode("utf-8", "replace"))
    if name in SHELLS:
        return _shell(builder, call_id, name, given)
    about = first_text(given, "path", "file_path", "dir_path", "pattern", "query", "url", "message")
    asked = _questions(name, text)[:MAX_QUESTIONS]
    return OpenCall(
        id=call_id,
        name=name,
        op=OPS.get(name, "other"),
        subject=about or next((question.question for question in asked), ""),
        plan=plan_items(given.get("plan"), "step", most=MAX_PLAN_ITEMS) if name == "update_plan" else (),
        asked=tuple(Asked(bounded(one.question, SUBJECT_CHARS), bounded(one.id, SHORT_CHARS)) for one in asked),
        process=usable_name(commands.process_of(given.get("session_id", rawjson.ABSENT)))
        if name == "write_stdin"
        else None,
        handoff=names_own_folder(about),
    )


def _script(builder: Builder, call_id: str, script: str) -> OpenCall:
    """Returns the call of a code mode script.

    A script that runs a single command is read as that command if the client (before 0.150) doesn't record commands.
    """
    found = _COMMAND.search(script) if builder.context.family == "legacy" and script.count("tools.") == 1 else None
    command = rawjson.string_of(msgspec.Raw(found[1].encode("utf-8", "replace"))) if found is not None else None
    if not command:
        return OpenCall(id=call_id, name=CODE_MODE, op="other", subject=script, handoff=names_own_folder(script))
    workdir = _WORKDIR.search(script)
    place = rawjson.string_of(msgspec.Raw(workdir[1].encode("utf-8", "replace"))) if workdir is not None else None
    return shell_call(call_id, CODE_MODE, command, resolved(place, builder.cwd) if place else builder.cwd)


def _shell(builder: Builder, call_id: str, name: str, given: Fields) -> OpenCall:
    raw = given.get("cmd", given.get("command", rawjson.ABSENT))
    place = first_text(given, "workdir")
    cwd = resolved(place, builder.cwd) if place else builder.cwd
    patch = commands.given_patch(raw)
    if patch is not None:
        return patch_call(call_id, PATCH, in_patch(patch, cwd))
    call = shell_call(call_id, name, commands.given_script(raw), cwd)
    return msgspec.structs.replace(call, escalated=first_text(given, "sandbox_permissions") == _ESCALATED)


def _questions(name: str, text: str) -> list[Asked]:
    if name != "request_user_input":
        return []
    return asked_in(inside(msgspec.Raw(text.encode("utf-8", "replace")), "questions"))
