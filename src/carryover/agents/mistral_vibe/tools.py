"""Tool calls: what a call is about, how it ended, and what it did."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import OpenCall, usable_name
from carryover.model import Answer, AnyBody, Op, PlanUpdate
from carryover.records import rawjson
from carryover.records.asked import Asked, asked_in, plan_items
from carryover.records.changes import Change, Replacement, as_edit, replaced, written
from carryover.records.fields import SUBJECT_CHARS, bounded
from carryover.records.lenient import (
    Fields,
    fields_of,
    first_text,
    inside,
    is_true,
    items_of,
    number_of,
    text_of,
)
from carryover.records.patches import added, place_of
from carryover.records.text import names_own_folder, without_ansi

OPS: Final[dict[str, Op]] = {
    "file_system.bash": "shell",
    "process.start": "shell",
    "shell": "shell",
    "file_system.read_file": "read",
    "file_system.edit": "edit",
    "file_system.write_file": "write",
    "vibe.todo": "plan",
    "ui.ask_user_question": "ask",
    "agents.spawn": "agent",
}
"""Operations of the built-in tools (2.26 and 3.0). All others, including those of MCP servers, are `other`."""
_ABOUT: Final = ("path", "file_path", "task", "query", "url", "name", "message")
_TYPED: Final = "shell"
"""The name of a command that the user typed after `!`."""
_EXITED: Final = re.compile(r"Command exited with status (-?\d{1,9})")
_EDITED: Final = "mistralai.vibe.sdk.search_replace"
"""The field with the parts of a file that an edit has replaced."""
_DENIED: Final = "tool_denied"
_STOPPED: Final = "effect_recovery_failed"
"""What a command is said to have come to that was killed with the client."""


@dataclass(frozen=True, slots=True)
class Called:
    """A call as its entry describes it, ended or not."""

    call: OpenCall
    state: Fields
    given: Fields
    cwd: str | None
    questions: Sequence[Asked]

    @property
    def result(self) -> Fields:
        """The result in the tool's own fields."""
        return fields_of(inside(self.state.get("output", rawjson.ABSENT), "structured_content"))


def called(ident: str, entry: Fields, cwd: str | None) -> Called | None:
    """Returns the call of an entry; None if it has no usable id or name."""
    detail = fields_of(entry.get("detail"))
    name = usable_name(text_of(detail.get("toolName")))
    if name is None or usable_name(ident) is None:
        return None
    given, op = fields_of(detail.get("input")), OPS.get(name, "other")
    questions = asked_in(given.get("questions")) if op == "ask" else []
    about = questions[0].question if questions else first_text(given, *_ABOUT) or name
    call = OpenCall(ident, name, op, bounded(about, SUBJECT_CHARS), handoff=names_own_folder(about))
    if op == "shell":
        call = OpenCall.of_command(ident, name, text_of(given.get("command")), cwd)
    if name == _TYPED:
        call = msgspec.structs.replace(call, actor="human", changes=())
    return Called(call, fields_of(entry.get("state")), given, cwd, questions)


def outcome_of(found: Called) -> ToolOutcome:
    """Determines how a call that is no longer running ended."""
    status, error = text_of(found.state.get("status")), fields_of(found.state.get("error"))
    said, code = text_of(error.get("message")), text_of(error.get("code"))
    output = without_ansi(text_of(found.state.get("outputText")))
    exited = _EXITED.fullmatch(said)
    if found.call.name == _TYPED and (exited is not None or status == "completed"):
        return _exited(int(exited[1]) if exited is not None else 0, output)
    if status == "cancelled" or code == _STOPPED:
        return ToolOutcome("interrupted", output)
    if status == "skipped" or code == _DENIED:
        return ToolOutcome("denied", said)
    if status != "completed":
        return ToolOutcome("error", said or output)
    exit_code = number_of(found.result.get("returncode"))
    if exit_code is None:
        return ToolOutcome("ok", output or text_of(found.result.get("content")))
    printed = "".join(text_of(found.result.get(name)) for name in ("stdout", "stderr"))
    return _exited(exit_code, without_ansi(printed))


def effects_of(found: Called) -> Iterator[tuple[str, AnyBody]]:
    """Yields what a call that succeeded did, each with the end of its event's key."""
    for number, change in enumerate(_changes_of(found)):
        yield f"edit{number}", as_edit(change, found.call.id)
    if found.call.op == "plan" and "todos" in found.result:
        yield "todos", PlanUpdate(items=plan_items(found.result["todos"], "content"))
    for number, answer in enumerate(map(fields_of, items_of(found.result.get("answers")))):
        question, text = text_of(answer.get("question")), text_of(answer.get("answer"))
        if text:
            yield f"answer{number}", Answer(call_id=found.call.id, question=question, text=text)


def _exited(code: int, output: str) -> ToolOutcome:
    return ToolOutcome("error" if code else "ok", output, exit_code=code)


def _changes_of(found: Called) -> Sequence[Change]:
    given = found.given
    path = place_of(first_text(given, "path", "file_path"), found.cwd)
    if path is not None and found.call.op == "write":
        is_new = bytes(found.result.get("file_existed", rawjson.ABSENT)) == b"false"
        return ((added if is_new else written)(path, text_of(given.get("content"))),)
    if path is not None and found.call.op == "edit":
        pair = Replacement(text_of(given.get("old_string")), text_of(given.get("new_string")))
        change = replaced(path, [pair], counted=not is_true(given.get("replace_all")))
        noted = inside(found.state.get("output", rawjson.ABSENT), "_meta", _EDITED, "blocks")
        lines = (number_of(fields_of(block).get("new_start_line")) for block in items_of(noted))
        return (msgspec.structs.replace(change, line=next(lines, None)),)
    return found.call.changes
