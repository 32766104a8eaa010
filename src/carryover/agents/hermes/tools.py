"""Tool calls: what each was asked to do, how it ended, and what it changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import OpenCall, usable_name
from carryover.model import Answer, AnyBody, Op, PlanUpdate, Question
from carryover.records import rawjson
from carryover.records.asked import plan_items
from carryover.records.changes import Change, as_edit, hunks_in, patched, planned, written
from carryover.records.fields import SUBJECT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, first_text, items_of, number_of, text_of
from carryover.records.patches import files_in_patch, in_patch, place_of
from carryover.records.text import names_own_folder, without_ansi

_TOOLS: Final[dict[Op, str]] = {
    "shell": "terminal",
    "read": "read_file vision_analyze skill_view skills_list read_terminal",
    "edit": "patch",
    "write": "write_file",
    "search": "search_files session_search",
    "web": "web_search web_extract browser_navigate x_search",
    "plan": "todo",
    "ask": "clarify",
    "agent": "delegate_task",
}
OPS: Final = {tool: op for op, tools in _TOOLS.items() for tool in tools.split()}
"""Operations of the built-in tools (0.19.0). All others, including those of MCP servers, are `other`."""
_ABOUT: Final = ("command", "path", "pattern", "question", "goal", "query", "url", "name", "prompt", "action")
_STOPPED: Final = 130
_STOPPED_TEXT: Final = "[Command interrupted]"
_DENIED: Final = ("blocked", "pending_approval")
"""States of a command that the user, or the client for lack of one, did not allow (code)."""


def called(given: Fields, cwd: str | None) -> OpenCall | None:
    """Returns the call in an entry of `tool_calls`; None if it has no usable id or name."""
    function = fields_of(given.get("function"))
    call_id = usable_name(text_of(given.get("id")))
    name = usable_name(text_of(function.get("name")))
    if call_id is None or name is None:
        return None
    args = fields_of(text_of(function.get("arguments")).encode())
    if name == "terminal":
        place = place_of(text_of(args.get("workdir")), cwd)
        return OpenCall.of_command(call_id, name, text_of(args.get("command")), place or cwd)
    patch = text_of(args.get("patch"))
    about = next(iter(files_in_patch(patch)), "") or first_text(args, *_ABOUT)
    return OpenCall(
        id=call_id,
        name=name,
        op=OPS.get(name, "other"),
        subject=bounded(about or name, SUBJECT_CHARS),
        changes=_changes(name, args, patch, cwd),
        handoff=names_own_folder(f"{about} {patch}"),
    )


def asked(given: Fields, call: OpenCall) -> Question:
    """Returns the question that a call puts to the user."""
    args = fields_of(text_of(fields_of(given.get("function")).get("arguments")).encode())
    choices = tuple(filter(None, map(text_of, items_of(args.get("choices")))))
    return Question(call_id=call.id, text=text_of(args.get("question")), options=choices)


def outcome_of(call: OpenCall, output: str) -> ToolOutcome:
    """Determines how a call ended from its result, which for most tools is an object."""
    result = fields_of(output.encode())
    error = text_of(result.get("error"))
    if call.op == "shell" and "exit_code" in result:
        code = number_of(result.get("exit_code"))
        text = without_ansi(text_of(result.get("output")))
        if text_of(result.get("status")) in _DENIED:
            return ToolOutcome("denied", error, never_ran=True)
        if code == _STOPPED and _STOPPED_TEXT in text:
            return ToolOutcome("interrupted", text.replace(_STOPPED_TEXT, "").rstrip())
        if code is not None and code < 0:
            return ToolOutcome("error", "\n".join(filter(None, (text, error))))
        return ToolOutcome("error" if code else "ok", text, exit_code=code)
    has_failed = error or bytes(result.get("success", rawjson.ABSENT)) == b"false"
    shown = error or first_text(result, "content", "output", "diff") or output
    return ToolOutcome("error" if has_failed else "ok", without_ansi(shown))


def effects_of(call: OpenCall, output: str) -> Iterator[tuple[str, AnyBody]]:
    """Yields what a call that succeeded did, each with the end of its event's key."""
    result = fields_of(output.encode())
    hunks = hunks_in(text_of(result.get("diff")))
    for number, change in enumerate(call.changes):
        shown = patched(change, hunks) if hunks and len(call.changes) == 1 and change.change == "modify" else change
        yield f"edit{number}", as_edit(shown, call.id)
    if call.op == "plan":
        yield "todos", PlanUpdate(items=plan_items(result.get("todos"), "content"))
    answer = text_of(result.get("user_response"))
    if call.op == "ask" and answer:
        yield "answer", Answer(call_id=call.id, question=text_of(result.get("question")), text=answer)


def _changes(name: str, args: Fields, patch: str, cwd: str | None) -> tuple[Change, ...]:
    if name == "patch" and patch:
        return in_patch(patch, cwd)
    path = place_of(text_of(args.get("path")), cwd)
    if path is None:
        return ()
    if name == "write_file":
        return (written(path, text_of(args.get("content"))),)
    return (planned(path, args),) if name == "patch" else ()
