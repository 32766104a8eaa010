"""Tool calls: what a call is about, how it ended, and what it did."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import OpenCall, usable_name
from carryover.model import Answer, AnyBody, Op, PlanUpdate
from carryover.records import rawjson
from carryover.records.asked import asked_in, plan_items
from carryover.records.changes import Change, Replacement, as_edit, replaced, written
from carryover.records.fields import SUBJECT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, first_text, inside, items_of, number_of, read_as, text_of
from carryover.records.patches import added, place_of
from carryover.records.text import names_own_folder, without_ansi

_TYPED: Final = "shell"
"""The name of a command that the user typed after `!`."""
OPS: Final[dict[str, Op]] = {
    **dict.fromkeys((_TYPED, "file_system.bash", "process.start"), "shell"),
    **dict.fromkeys(("file_system.edit", "file_system.search_replace"), "edit"),
    "file_system.read_file": "read",
    "file_system.write_file": "write",
    "vibe.todo": "plan",
    "ui.ask_user_question": "ask",
    "agents.spawn": "agent",
}
"""Operations of the built-in tools (2.26 and 3.0). All others, including those of MCP servers, are `other`."""
_ABOUT: Final = ("path", "file_path", "task", "query", "url", "name", "message")
_EXITED: Final = re.compile(r"Command exited with status (-?\d{1,9})")
_RECOVERED: Final = "effect_recovery_failed"
"""What is said at the next start of a call that was killed with the client."""
_EDITED: Final = "mistralai.vibe.sdk.search_replace"


class _Block(msgspec.Struct, frozen=True):
    new_start_line: int | None = None
    old_lines: list[str] = []
    new_lines: list[str] = []


@dataclass(frozen=True, slots=True)
class Called:
    """A call as its entry describes it, ended or not. `result`: in the tool's own fields."""

    call: OpenCall
    given: Fields
    state: Fields
    result: Fields


def called(ident: str, entry: Fields, cwd: str | None) -> Called | None:
    """Returns the call of an entry; None if it has no usable id or name."""
    detail, state = fields_of(entry.get("detail")), fields_of(entry.get("state"))
    name = usable_name(text_of(detail.get("toolName")))
    if name is None or usable_name(ident) is None:
        return None
    given, op = fields_of(detail.get("input")), OPS.get(name, "other")
    asked = next((asked.question for asked in asked_in(given.get("questions"))), "")
    about = asked or first_text(given, *_ABOUT) or name
    call = OpenCall(ident, name, op, bounded(about, SUBJECT_CHARS), handoff=names_own_folder(about))
    result = fields_of(inside(state.get("output", rawjson.ABSENT), "structured_content"))
    if op == "shell":
        call = OpenCall.of_command(ident, name, text_of(given.get("command")), cwd)
    elif op in ("edit", "write") and (path := place_of(first_text(given, "path", "file_path"), cwd)) is not None:
        change = _edited(path, state) if op == "edit" else _written(path, given, result)
        call = msgspec.structs.replace(call, changes=(change,))
    if name == _TYPED:
        call = msgspec.structs.replace(call, actor="human", changes=())
    return Called(call, given, state, result)


def outcome_of(found: Called) -> ToolOutcome:
    """Determines how a call that is no longer running ended."""
    status, error = text_of(found.state.get("status")), fields_of(found.state.get("error"))
    said, code = text_of(error.get("message")), text_of(error.get("code"))
    output = without_ansi(text_of(found.state.get("outputText")))
    exited = _EXITED.fullmatch(said)
    exit_code = int(exited[1]) if exited is not None else number_of(found.result.get("returncode"))
    if status == "cancelled" or code == _RECOVERED:
        return ToolOutcome("interrupted", output)
    if status == "skipped" or code == "tool_denied":
        return ToolOutcome("denied", said)
    if exit_code is not None:
        printed = "".join(text_of(found.result.get(name)) for name in ("stdout", "stderr"))
        return ToolOutcome("error" if exit_code else "ok", output or without_ansi(printed), exit_code=exit_code)
    if status != "completed":
        return ToolOutcome("error", said or output)
    return ToolOutcome("ok", output or text_of(found.result.get("content")))


def effects_of(found: Called) -> Iterator[tuple[str, AnyBody]]:
    """Yields what a call that succeeded did, each with the end of its event's key."""
    for number, change in enumerate(found.call.changes):
        yield f"edit{number}", as_edit(change, found.call.id)
    if found.call.op == "plan" and "todos" in found.result:
        yield "todos", PlanUpdate(items=plan_items(found.result["todos"], "content"))
    for number, answer in enumerate(map(fields_of, items_of(found.result.get("answers")))):
        if text := text_of(answer.get("answer")):
            yield f"answer{number}", Answer(call_id=found.call.id, question=text_of(answer.get("question")), text=text)


def _written(path: str, given: Fields, result: Fields) -> Change:
    is_new = bytes(result.get("file_existed", rawjson.ABSENT)) == b"false"
    return (added if is_new else written)(path, text_of(given.get("content")))


def _edited(path: str, state: Fields) -> Change:
    """Returns an edit with what it replaced, as its result says: not always whole lines."""
    noted = inside(state.get("output", rawjson.ABSENT), "_meta", _EDITED, "blocks")
    blocks = read_as(noted, list[_Block]) or []
    pairs = [Replacement("\n".join(block.old_lines), "\n".join(block.new_lines)) for block in blocks]
    line = blocks[0].new_start_line if blocks else None
    return msgspec.structs.replace(replaced(path, pairs, counted=bool(blocks)), line=line)
