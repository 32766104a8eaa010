"""Tool calls of a session: what each was asked to do, how it ended, and what it changed."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.agents.cline.documents import MessageBuilder
from carryover.model import Answer, FileEdit, Question, TurnEnd
from carryover.records import rawjson
from carryover.records.changes import Hunk, Replacement, patched, replaced, written
from carryover.records.fields import MAX_PATH_CHARS, resolved, subject_of
from carryover.records.lenient import Fields, fields_of, first_text, inside, is_true, items_of, text_of
from carryover.records.patches import in_patch
from carryover.records.text import names_own_folder, without_ansi
from carryover.text.pattern import later
from carryover.transcript.recorder import OpenCall, Tools
from carryover.transcript.refusals import CLIENT_WORDED, refused

_SHELL: Final = "run_commands"
_EDITOR: Final = "editor"
_PATCH: Final = "apply_patch"
ASK: Final = "ask_question"
TOOLS: Final = Tools(
    {
        "shell": _SHELL,
        "read": "read_files",
        "edit": f"{_EDITOR} {_PATCH}",
        "search": "search_codebase",
        "web": "fetch_web_content",
        "ask": ASK,
        "agent": "spawn_agent",
    }
)
"""The built-in tools (3.0.65)."""
_ABOUT: Final = ("path", "question", "task", "query", "url", "prompt", "skill", "description")
_LISTED: Final = ("files", "queries", "requests")
"""Arguments with one or several of what a tool is about."""
_EXIT: Final = later(r"\bexited with code (\d{1,10})")
_EXIT_LINE: Final = later(r"\A\[Command exited with code \d{1,10}\]\n*")
_DIFF_LINE: Final = later(r"([+-])(\d{1,9}): (.*)")
_ABORTED: Final = later(r"(?:Command failed: )?Command was aborted\.?")
_DENIED: Final = later(
    r"This tool call was rejected by the user and not executed\."
    r"(?: NOT a tool or system failure\. Clarify with user before proceeding\.)?"
)
"""The whole error of a refused call (public source); what the user typed with it is a message of its own."""
_NEVER_RAN: Final = later(r"rejected before execution|invalid JSON arguments|requires approval")


def parse_tool_use(builder: MessageBuilder, given: Fields, part: str) -> None:
    """Handles a `tool_use`. Each of several commands is a call of its own, since each has its own exit code."""
    ident, name = text_of(given.get("id")), text_of(given.get("name"))
    if not builder.identify("assistant/tool_use", ident, name):
        return
    args = given.get("input", rawjson.ABSENT)
    commands = _commands(args) if name == _SHELL else []
    for number, command in enumerate(commands):
        call = OpenCall.of_command(_numbered(ident, number), name, command, builder.cwd)
        builder.begin_call(call, f"{part}.{number}")
    if commands:
        return
    fields = fields_of(args)
    about = first_text(fields, *_ABOUT) or _first_listed(fields) or text_of(args)
    op = TOOLS.op(name)
    call = OpenCall(
        id=ident,
        name=name,
        op=op,
        subject=subject_of(op, about or name),
        changes=_changes(name, args, builder.cwd),
        handoff=names_own_folder(bytes(args).decode("utf-8", "replace")) if op in ("read", "search") else False,
    )
    builder.begin_call(call, part)
    if name == ASK:
        options = tuple(map(text_of, items_of(fields.get("options"))))
        builder.add(Question(call_id=ident, text=about, options=options), f"{part}.question")


def parse_tool_result(builder: MessageBuilder, given: Fields, part: str) -> None:
    """Handles a `tool_result`: closes its calls and, if they succeeded, adds what they changed."""
    ident = text_of(given.get("tool_use_id"))
    if not builder.identify("user/tool_result", ident):
        return
    known = {call.id: call for call in builder.open_calls}
    content = given.get("content", rawjson.ABSENT)
    failed = is_true(given.get("is_error"))
    number = 0
    while (call := known.get(_numbered(ident, number))) is not None:
        outcome = _outcome(call, content, number, failed=failed)
        _close(builder, call, outcome, f"{part}.{number}")
        number += 1
    if not number:
        name = text_of(given.get("name"))
        call = OpenCall(id=ident, name=name, op=TOOLS.op(name))
        _close(builder, call, _outcome(call, content, 0, failed=failed), part)


def _close(builder: MessageBuilder, call: OpenCall, outcome: ToolOutcome, part: str) -> None:
    call = builder.take_call(call.id, call.name, call.op)
    changes = [_placed(change, outcome.output) for change in call.changes]
    builder.end_call(call, outcome, result=part, edit=f"{part}.edit", changes=changes)
    if call.op == "ask" and outcome.status == "ok" and builder.native.attended:
        builder.add(Answer(call_id=call.id, question=call.subject, text=outcome.output), f"{part}.answer")
    if outcome.status == "interrupted":
        builder.add(TurnEnd(reason="interrupted"), f"{part}.end")


def _numbered(call_id: str, number: int) -> str:
    return f"{call_id}.{number}" if number else call_id


def _outcome(call: OpenCall, content: msgspec.Raw, number: int, *, failed: bool) -> ToolOutcome:
    """Returns how a call ended: a failed one is rarely marked, but says so in its own result."""
    text = text_of(content)
    inner = msgspec.Raw(text.encode("utf-8", "replace")) if text.startswith("{") else content
    if failed:
        said = text_of(inside(inner, "error")) or text
        if _DENIED.fullmatch(said):
            return refused(said, by_client=call.op in CLIENT_WORDED, by_user=True)
        return ToolOutcome("error", said, never_ran=_NEVER_RAN.search(said) is not None)
    # One for each thing that the call was asked to do, with its `result` or `error`, and its `success`.
    parts = rawjson.part_of(content, list[Fields]) or []
    if not parts and bytes((one := fields_of(inner)).get("success", b"null")) != b"null":
        parts = [one]
    if call.op == "shell":
        return _of_command(parts[number]) if number < len(parts) else ToolOutcome("unknown")
    if not parts:
        said = text_of(inside(inner, "text")) or rawjson.content_text(inside(inner, "content")) or text
        return ToolOutcome("ok", without_ansi(said))
    output = "\n".join(_text_in(part) for part in parts)
    return ToolOutcome("ok" if any(is_true(part.get("success")) for part in parts) else "error", output)


def _of_command(part: Fields) -> ToolOutcome:
    output, error = _EXIT_LINE.sub("", _text_in(part)), text_of(part.get("error"))
    if is_true(part.get("success")):
        return ToolOutcome("ok", output, exit_code=0)
    if _ABORTED.fullmatch(error):
        return ToolOutcome("interrupted", text_of(part.get("result")))
    code = _EXIT.search(error)
    return ToolOutcome("error", output, exit_code=int(code[1]) if code is not None else None)


def _text_in(part: Fields) -> str:
    return without_ansi(rawjson.content_text(part.get("result")) or text_of(part.get("error")))


def _commands(args: msgspec.Raw) -> list[str]:
    """Returns the commands of a call, whose forms differ from model to model."""
    fields = fields_of(args)
    listed = next((fields[name] for name in ("commands", "command", "cmd") if name in fields), args)
    given = items_of(listed) or [listed if "args" not in fields else args]
    return [command for each in given if (command := _command(each))]


def _command(raw: msgspec.Raw) -> str:
    fields = fields_of(raw)
    return text_of(raw) or " ".join([text_of(fields.get("command")), *map(text_of, items_of(fields.get("args")))])


def _first_listed(fields: Fields) -> str:
    """Returns the first path, query or address of a call that may have several."""
    for raw in (fields[name] for name in _LISTED if name in fields):
        first = next(iter(items_of(raw)), raw)
        return text_of(first) or first_text(fields_of(first), "path", "url")
    return ""


def _changes(name: str, args: msgspec.Raw, cwd: str | None) -> tuple[FileEdit, ...]:
    fields = fields_of(args)
    if name == _PATCH:
        return in_patch(text_of(fields.get("input")) or text_of(args), cwd)
    path = resolved(text_of(fields.get("path")), cwd) if name == _EDITOR and "path" in fields else None
    if path is None or len(path) > MAX_PATH_CHARS:
        return ()
    old = text_of(fields.get("old_text"))
    new = text_of(fields.get("new_text"))
    if old or "insert_line" in fields:
        return (replaced(path, [Replacement(old, new)], counted=True),)
    return (msgspec.structs.replace(written(path, new), change="add"),)


def _placed(change: FileEdit, output: str) -> FileEdit:
    """Returns a change with its place, from the numbered lines in the result."""
    found = _DIFF_LINE.findall(output)
    if not found or change.change == "add":
        return change
    hunk = Hunk(new_start=int(found[0][1]), lines=[f"{sign}{text}" for sign, _, text in found])
    return patched(change.path, [hunk])
