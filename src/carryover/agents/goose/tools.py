"""Tool calls: what each was asked to do, how it ended, and what it changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import OpenCall, usable_name
from carryover.adapter.refusals import refused
from carryover.model import Op, PlanItem
from carryover.records import rawjson
from carryover.records.changes import Change, Replacement, replaced, written
from carryover.records.fields import SHORT_CHARS, SUBJECT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, first_text, inside, is_true, number_of, text_of
from carryover.records.patches import place_of
from carryover.records.text import names_own_folder, without_ansi

_TOOLS: Final[dict[Op, str]] = {
    "shell": "shell",
    "read": "read tree image_processor view",
    "edit": "edit str_replace insert",
    "write": "write",
    "search": "analyze",
    "plan": "todo_write",
    "agent": "delegate execute_task",
}
OPS: Final = {tool: op for op, tools in _TOOLS.items() for tool in tools.split()}
"""Operations of the built-in tools, without the extension before their names. All others are `other`."""
_ABOUT: Final = ("command", "path", "instructions", "query", "url", "name")
_DECLINED: Final = (
    "The user has declined to run this tool. DO NOT attempt to call this tool again. "
    "If there are no alternative methods to proceed, clearly explain the situation and STOP."
)
"""The whole result of a refused call (public source); no field tells it from what a tool says."""
_CLIENT_WORDED: Final = ("edit", "write", "plan")
"""Operations whose results name what was done and hold nothing of what was read or printed."""
_TODO: Final = re.compile(r"^\s*[-*] \[(.)\] (\S.*)$", re.M)


def called(given: Fields, cwd: str | None) -> OpenCall | None:
    """Returns the call in a `toolRequest`; None if it has no usable id or name."""
    call = inside(given.get("toolCall", rawjson.ABSENT), "value")
    call_id = usable_name(text_of(given.get("id")))
    name = usable_name(text_of(fields_of(call).get("name")))
    if call_id is None or name is None:
        return None
    args = fields_of(inside(call, "arguments"))
    tool = name.split("__")[-1]
    tool = text_of(args.get("command")) if tool == "text_editor" else tool
    op = OPS.get(tool, "other")
    if op == "shell":
        return OpenCall.of_command(call_id, name, text_of(args.get("command")), cwd)
    path = place_of(text_of(args.get("path")), cwd)
    about = path or first_text(args, *_ABOUT) or name
    return OpenCall(
        id=call_id,
        name=name,
        op=op,
        subject=bounded(about, SUBJECT_CHARS),
        changes=() if path is None else _changes(op, path, args),
        handoff=names_own_folder(about),
    )


def outcome_of(op: Op, result: msgspec.Raw) -> ToolOutcome:
    """Determines how a call ended from its `toolResult`."""
    fields = fields_of(result)
    if text_of(fields.get("status")) == "error":
        return ToolOutcome("error", text_of(fields.get("error")))
    value = fields.get("value", rawjson.ABSENT)
    given = fields_of(value)
    output = without_ansi(rawjson.text_of(given.get("content", value)) or "")
    code = number_of(fields_of(given.get("structuredContent")).get("exit_code"))
    if output == _DECLINED and code is None:
        # A command that fails has a code, so an error without one is not what it printed.
        by_client = op in _CLIENT_WORDED or (op == "shell" and is_true(given.get("isError")))
        return refused(output, by_client=by_client, by_user=True)
    return ToolOutcome("error" if is_true(given.get("isError")) else "ok", output, exit_code=code)


def todos_in(given: Fields) -> tuple[PlanItem, ...]:
    """Returns the entries of the todo list that a call writes: lines with a box."""
    content = text_of(fields_of(inside(given.get("toolCall", rawjson.ABSENT), "value", "arguments")).get("content"))
    return tuple(_items(content))


def _items(content: str) -> Iterator[PlanItem]:
    for box, text in _TODO.findall(content)[:200]:
        yield PlanItem(text=bounded(text, SHORT_CHARS), state="done" if box in "xX" else "pending")


def _changes(op: Op, path: str, args: Fields) -> tuple[Change, ...]:
    if op == "write":
        return (written(path, first_text(args, "content", "file_text")),)
    if op != "edit":
        return ()
    pair = Replacement(first_text(args, "before", "old_str"), first_text(args, "after", "new_str"))
    return (replaced(path, [pair], counted=True),)
