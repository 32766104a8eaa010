"""Tool calls: what each was asked to do, how it ended, and what it changed."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import OpenCall, closed, opened, usable_name
from carryover.agents.pi.builder import Builder
from carryover.model import Op
from carryover.records import rawjson
from carryover.records.changes import Change, Replacement, as_edit, hunks_in, patched, replaced, written
from carryover.records.fields import MAX_PATH_CHARS, SUBJECT_CHARS, bounded, resolved
from carryover.records.lenient import Fields, fields_of, first_text, is_true, number_of, read_as, text_of
from carryover.records.text import names_own_folder, without_ansi

SHELL: Final = "bash"
OPS: Final[dict[str, Op]] = {
    SHELL: "shell",
    "read": "read",
    "edit": "edit",
    "write": "write",
    "grep": "search",
    "find": "search",
    "ls": "search",
}
"""Operations of the built-in tools (0.73 to 1.5). All others, including those of MCP servers, are `other`."""
_ABOUT: Final = ("path", "pattern", "query", "url", "prompt", "description", "name")
_EXIT: Final = re.compile(r"\n*Command exited with code (\d{1,9})\s*\Z")
_ABORTED: Final = "Command aborted"
_NONE: Final = "(no output)"
_NEVER_RAN: Final = re.compile(r"Validation failed for tool |Tool \S+ not found")


class _Edit(msgspec.Struct, frozen=True, rename="camel"):
    old_text: str = ""
    new_text: str = ""


def parse_call(builder: Builder, part: str, given: Fields) -> None:
    """Handles a `toolCall` of an answer."""
    call_id = usable_name(text_of(given.get("id")))
    name = usable_name(text_of(given.get("name")))
    if call_id is None or name is None:
        builder.skip("message/toolCall", "no usable id or name")
        return
    call = _opened(call_id, name, fields_of(given.get("arguments")), builder.context.cwd)
    builder.add(call.as_event(), part)
    builder.change(calls=opened(builder.context.calls, call))


def parse_result(builder: Builder) -> None:
    """Handles a `toolResult` message: closes its call and, if that succeeded, adds what it changed."""
    call_id = usable_name(builder.text("toolCallId"))
    if call_id is None:
        builder.skip("message/toolResult", "no usable id")
        return
    calls = builder.context.calls
    unknown = OpenCall(id=call_id, name=builder.text("toolName"), op=OPS.get(builder.text("toolName"), "other"))
    call = next((call for call in calls if call.id == call_id), unknown)
    builder.change(calls=closed(calls, call_id))
    text = without_ansi(rawjson.text_of(builder.message.get("content", rawjson.ABSENT)) or "")
    outcome = _outcome(call.op, text, failed=is_true(builder.message.get("isError")))
    builder.add(call.ended(outcome), "result")
    if outcome.status == "ok":
        patch = text_of(fields_of(builder.message.get("details")).get("patch"))
        for number, change in enumerate(call.changes):
            builder.add(as_edit(_as_patched(change, patch), call.id), f"edit{number}")


def parse_typed_command(builder: Builder) -> None:
    """Handles the user's own `!command`. One after `!!` is kept from the model, and from us."""
    if is_true(builder.message.get("excludeFromContext")):
        return
    call = OpenCall.of_command(f"{builder.ident}/typed", SHELL, builder.text("command"), builder.context.cwd)
    call = msgspec.structs.replace(call, actor="human", changes=())
    exit_code = number_of(builder.message.get("exitCode"))
    output = without_ansi(builder.text("output"))
    builder.add(call.as_event(), "call")
    if is_true(builder.message.get("cancelled")):
        builder.add(call.ended(ToolOutcome("interrupted", output)), "result")
        return
    builder.add(call.ended(ToolOutcome("error" if exit_code else "ok", output, exit_code=exit_code)), "result")


def _opened(call_id: str, name: str, args: Fields, cwd: str | None) -> OpenCall:
    if name == SHELL:
        return OpenCall.of_command(call_id, name, text_of(args.get("command")), cwd)
    op = OPS.get(name, "other")
    about = first_text(args, *_ABOUT)
    return OpenCall(
        id=call_id,
        name=name,
        op=op,
        subject=bounded(about or name, SUBJECT_CHARS),
        changes=_changes(op, args, cwd),
        handoff=names_own_folder(about),
    )


def _changes(op: Op, args: Fields, cwd: str | None) -> tuple[Change, ...]:
    path = resolved(text_of(args.get("path")), cwd) if "path" in args else None
    if path is None or len(path) > MAX_PATH_CHARS:
        return ()
    if op == "write":
        return (written(path, text_of(args.get("content"))),)
    if op == "edit":
        pairs = [Replacement(edit.old_text, edit.new_text) for edit in read_as(args.get("edits"), list[_Edit]) or ()]
        return (replaced(path, pairs, counted=True),)
    return ()


def _as_patched(change: Change, patch: str) -> Change:
    """Returns a change with its place, from the patch in the result (since 0.87)."""
    hunks = hunks_in(patch)
    return patched(Change(path=change.path, change=change.change), hunks) if hunks else change


def _outcome(op: Op, text: str, *, failed: bool) -> ToolOutcome:
    if not failed:
        output = "" if text.strip() == _NONE else text
        return ToolOutcome("ok", output, exit_code=0 if op == "shell" else None)
    if op != "shell" or _NEVER_RAN.match(text):
        return ToolOutcome("error", text, never_ran=_NEVER_RAN.match(text) is not None)
    if text.rstrip().endswith(_ABORTED):
        return ToolOutcome("interrupted", text.rstrip().removesuffix(_ABORTED).rstrip())
    code = _EXIT.search(text)
    return ToolOutcome("error", _EXIT.sub("", text), exit_code=int(code[1]) if code is not None else None)
