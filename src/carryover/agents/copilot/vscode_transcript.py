"""The events that the extension in VS Code writes of a chat: lines as in a log of the terminal client, other tools.

They are written before each hook, so they are ahead of the chat itself, which the editor stores about once a minute;
but they say nothing of errors, of limits and of what the user retracted. So the chat counts where both are there.
"""

from __future__ import annotations

import re
from typing import Final

from carryover.adapter.contract import Parsed, Record, Source, ToolOutcome
from carryover.adapter.event_builder import closed, opened, usable_name
from carryover.agents.copilot import parse, wire
from carryover.agents.copilot.builder import Builder
from carryover.agents.copilot.context import MAX_CHANGES, MAX_OPEN_CALLS, LogContext, OpenCall
from carryover.agents.copilot.vscode_tools import ABOUT, op_of, todos_in
from carryover.model import Op, ResultStatus, Skipped
from carryover.records import shell_files
from carryover.records.changes import Change, Replacement, as_edit, replaced
from carryover.records.fields import SUBJECT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, items_of, read_as, text_of
from carryover.records.patches import added, in_patch, place_of
from carryover.records.text import HANDOFF_FILE, names_own_folder, without_ansi

_USAGE: Final = "assistant.usage"
_EXIT_CODE: Final = re.compile(r"\b(?:[Cc]ommand )?exited with (?:exit )?code:? (-?\d{1,9})\b")
_PATHS: Final = ("filePath", "path", "dirPath")


def parse_record(source: Source, context: LogContext, record: Record) -> tuple[LogContext, Parsed]:
    """Parses one line. Never raises: what is not understood is counted in `skipped`."""
    line = wire.read_line(record.data, context.facts.agent_version)
    if isinstance(line, wire.Line) and line.type == _USAGE:
        return context, Parsed()
    if isinstance(line, Skipped) or line.type not in ("tool.execution_start", "tool.execution_complete"):
        return parse.parse_record(source, context, record)
    builder = Builder.begin(source, context, line, record)
    given = fields_of(line.data)
    call_id = usable_name(text_of(given.get("toolCallId")))
    if call_id is None:
        builder.skip(line.type, "no usable id or name")
    elif line.type == "tool.execution_start":
        _start(builder, call_id, given)
    else:
        _end(builder, call_id, given)
    return builder.parsed()


def _start(builder: Builder, call_id: str, given: Fields) -> None:
    name = usable_name(text_of(given.get("toolName")))
    if name is None:
        builder.skip(builder.line.type, "no usable id or name")
        return
    # Arguments are an object, or the JSON text that the model wrote.
    raw = given.get("arguments")
    arguments = fields_of(raw) or fields_of(text_of(raw).encode("utf-8", "replace"))
    op, cwd = op_of(name), builder.context.cwd
    about = next(filter(None, (text_of(arguments.get(field)) for field in ABOUT)), "")
    call = OpenCall(
        id=call_id,
        name=name,
        op=op,
        subject=bounded(about, SUBJECT_CHARS),
        changes=_changes(name, op, arguments, cwd)[:MAX_CHANGES],
        handoff=names_own_folder(f"{cwd or ''} {about}"),
    )
    builder.add(call.as_event(), "call")
    builder.change(calls=opened(builder.context.calls, call, most=MAX_OPEN_CALLS))
    todos = todos_in(arguments.get("todoList")) if op == "plan" else None
    if todos is not None:
        builder.add(todos, "plan")


def _end(builder: Builder, call_id: str, given: Fields) -> None:
    call = next((call for call in builder.context.calls if call.id == call_id), None)
    if call is None:
        return
    builder.change(calls=closed(builder.context.calls, call_id))
    output = without_ansi(text_of(fields_of(given.get("result")).get("content")))
    is_ok = bytes(given.get("success", b"")) == b"true"
    found = _EXIT_CODE.search(output) if call.op == "shell" else None
    code = int(found[1]) if found is not None else None
    status: ResultStatus = "ok" if is_ok else "error"
    if call.op == "shell" and is_ok:
        # A command that fails succeeds as a tool; without a code nothing says how it ended.
        status = "unknown" if code is None else "error" if code else "ok"
    builder.add(call.ended(ToolOutcome(status, output, code)), "result")
    if status == "ok":
        for number, change in enumerate(call.changes):
            builder.add(as_edit(change, call.id), f"edit{number}")


def _changes(name: str, op: Op, given: Fields, cwd: str | None) -> tuple[Change, ...]:
    """The changes that a call will have made if it succeeds."""
    if op == "shell":
        return shell_files.changes(text_of(given.get("command")), cwd)
    if op not in ("edit", "write"):
        return ()
    if patch := text_of(given.get("input")) if "patch" in name.lower() else "":
        found = in_patch(patch, cwd)
    else:
        several = [fields_of(raw) for raw in items_of(given.get("replacements"))]
        made = (_change(op, {**given, **one}, cwd) for one in several or [given])
        found = tuple(change for change in made if change is not None)
    return tuple(change for change in found if not change.path.endswith(HANDOFF_FILE))


def _change(op: Op, given: Fields, cwd: str | None) -> Change | None:
    path = next(filter(None, (text_of(given.get(field)) for field in _PATHS)), "")
    place = place_of(path, cwd)
    if place is None:
        return None
    content = read_as(given["content"], str) if "content" in given else None
    if op == "write" and content is not None:
        return added(place, content)
    if op == "write":
        return None  # a folder
    pair = Replacement(old_string=text_of(given.get("oldString")), new_string=text_of(given.get("newString")))
    has_texts = "oldString" in given or "newString" in given
    return replaced(place, [pair] if has_texts else [], counted=has_texts)
