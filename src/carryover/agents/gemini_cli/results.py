"""Tool results: how calls ended, and what the successful ones changed."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import OpenCall
from carryover.agents.gemini_cli import wire
from carryover.agents.gemini_cli.builder import MAX_CALLS, Builder, Call, Message, usable_id
from carryover.agents.gemini_cli.tools import ASK, COMPLETE, TODOS, TOPIC, opened
from carryover.model import (
    Answer,
    AssistantMessage,
    PlanProposal,
    PlanUpdate,
    UserPrompt,
)
from carryover.records import rawjson
from carryover.records.asked import asked_in, plan_items
from carryover.records.changes import Change, as_edit, hunks_in, patched
from carryover.records.fields import MAX_PATH_CHARS, is_absolute
from carryover.records.lenient import Fields, fields_of, first_text, inside, text_of
from carryover.records.text import without_ansi

MAX_PLAN_ITEMS: Final = 40

_ENDED: Final = frozenset(("success", "error", "cancelled"))
_NEVER_RAN: Final = re.compile(
    r"^(?:Error: )?(?:params |Invalid parameters|Tool \"[^\"]*\" not found|Tool execution denied by policy"
    r"|Skill \"[^\"]*\" not found|Unknown tool)",
    re.IGNORECASE,
)
"""The beginning of the refusal of a call that never ran."""
_DENIED: Final = "User denied"
_WRAPPED: Final = re.compile(r"\A<untrusted_context>\n?(.*?)\n?(?:</untrusted_context>\s*)?\Z", re.DOTALL)
_BEFORE_OUTPUT: Final = re.compile(r"\A(?:Command: .*?\n)?(?:Directory: [^\n]*\n)?(?:Output|Stdout): ", re.DOTALL)
_FOOTER: Final = re.compile(r"\n(Error|Exit Code|Signal|Background PIDs|Process Group PGID): ([^\n]*)\Z")
_NONE: Final = frozenset(("", "(none)", "(empty)", "0"))
_STOPPED: Final = "Command was cancelled by user"
_TOO_LONG: Final = "Command was automatically cancelled"
_IN_BACKGROUND: Final = "Command moved to background"
_BELOW: Final = re.compile(r"\A.*?Below is the output before it was cancelled:\n", re.DOTALL)
_REJECTED: Final = ("Plan rejected.", "User cancelled")
_FEEDBACK: Final = re.compile(r"\APlan rejected\. User feedback: (.*?)\n\nThe plan is stored at: ", re.DOTALL)
_DISMISSED: Final = "User dismissed"


def parse_calls(builder: Builder, message: Message, raws: list[msgspec.Raw]) -> Message:
    """Handles the calls of a `gemini` message: adds new calls, and results that were missing so far."""
    asked_ms = builder.at_ms
    for raw in raws:
        wired = rawjson.part_of(raw, wire.Call)
        call_id, name = (usable_id(wired.id), usable_id(wired.name)) if wired is not None else (None, None)
        if wired is None or call_id is None or name is None:
            builder.skip("gemini/toolCalls", "no usable id or name")
            continue
        known = next((call for call in message.calls if call.id == call_id), None)
        if known is not None and known.ended:
            continue
        builder.at_ms = asked_ms
        ended = _parse_call(builder, message.id, call_id, name, wired, is_new=known is None)
        others = tuple(call for call in message.calls if call.id != call_id)
        message = msgspec.structs.replace(message, calls=(*others, Call(id=call_id, ended=ended))[-MAX_CALLS:])
    return message


def _parse_call(builder: Builder, ident: str, call_id: str, name: str, wired: wire.Call, *, is_new: bool) -> bool:
    """Adds a call or its result; returns whether it has ended."""
    args = fields_of(wired.args)
    if builder.context.cwd is None:
        builder.settle_above(first_text(args, "file_path", "absolute_path", "dir_path", "directory", "path"))
    shown = rawjson.part_of(wired.shown, wire.EditShown)
    if shown is not None:
        builder.settle_above(shown.file_path)
    call = opened(call_id, name, args, builder.context.cwd)
    key = f"{ident}/{call_id}"
    if is_new:
        builder.add(f"{key}/call", call.as_event())
        if name == ASK:
            for number, asked in enumerate(asked_in(args.get("questions"))):
                builder.add(f"{key}/question{number}", asked.as_event(call_id))
    status = rawjson.string_of(wired.status) or ""
    if status not in _ENDED:
        return False
    builder.at(wired.timestamp)
    outcome = _outcome(call, status, wired)
    builder.add(f"{key}/result", call.ended(outcome))
    if outcome.status == "ok":
        _parse_success(builder, key, call, args, outcome, shown)
    elif name == "exit_plan_mode":
        builder.add(f"{key}/plan", PlanProposal(call_id=call_id, text="", accepted=False))
        if outcome.user_words and builder.subagent_id is None:
            builder.add(f"{key}/feedback", UserPrompt(text=outcome.user_words))
    return True


def _outcome(call: OpenCall, status: str, wired: wire.Call) -> ToolOutcome:
    output, error = _response(wired)
    if status == "cancelled":
        denied = _DENIED in error
        return ToolOutcome("denied" if denied else "interrupted", error or output, never_ran=denied)
    if status == "error":
        return ToolOutcome("error", error or output, never_ran=_NEVER_RAN.match(error or output) is not None)
    if call.op == "shell":
        return _of_shell(output)
    if call.name == "exit_plan_mode" and output.startswith(_REJECTED):
        found = _FEEDBACK.match(output)
        return ToolOutcome("denied", output, user_words=found[1].strip() if found else "")
    if call.name == ASK and output.startswith(_DISMISSED):
        return ToolOutcome("denied", output)
    return _of_tool(output) if call.op == "other" else ToolOutcome("ok", output)


def _response(wired: wire.Call) -> tuple[str, str]:
    """Returns a result's output and error: what the model was sent or, if that is missing, what the user saw."""
    for raw in rawjson.part_of(wired.result, list[msgspec.Raw]) or []:
        if response := fields_of(inside(raw, "functionResponse", "response")):
            return text_of(response.get("output")), text_of(response.get("error"))
    return rawjson.string_of(wired.shown) or "", ""


def _of_tool(output: str) -> ToolOutcome:
    """Determines how an MCP tool call ended: it may report a failure in a result marked as success."""
    said = fields_of(output.encode("utf-8", "replace")) if output.lstrip().startswith("{") else {}
    if text_of(said.get("status")) == "error":
        return ToolOutcome("error", text_of(said.get("error")) or text_of(said.get("message")) or output)
    return ToolOutcome("ok", output)


def _of_shell(output: str) -> ToolOutcome:
    """Determines how a command ended: the client marks it as success whatever its exit code.

    Since 0.44 the output leaves out fields that are zero or empty.
    """
    text = without_ansi(_unwrapped(output))
    if text.startswith(_STOPPED):
        return ToolOutcome("interrupted", _BELOW.sub("", text))
    if text.startswith(_TOO_LONG):
        return ToolOutcome("error", text)
    if text.startswith(_IN_BACKGROUND):
        return ToolOutcome("ok", text)
    footer: dict[str, str] = {}
    # Each line comes once: one more like it was printed by the command.
    while (found := _FOOTER.search(text)) and found[1] not in footer:
        footer[found[1]] = found[2].strip()
        text = text[: found.start()]
    printed = _BEFORE_OUTPUT.sub("", text)
    if not footer and printed == text:
        return ToolOutcome("unknown", text)
    output = "" if printed.strip() in ("(empty)", "(none)") else printed
    error = footer.get("Error", "")
    if error not in _NONE:
        return ToolOutcome("error", f"{output}\n{error}".strip(), exit_code=_number(footer.get("Exit Code", "")))
    if footer.get("Signal", "") not in _NONE:
        return ToolOutcome("error", output)
    exit_code = _number(footer.get("Exit Code", "0"))
    return ToolOutcome("ok" if exit_code in (None, 0) else "error", output, exit_code=exit_code)


def _unwrapped(output: str) -> str:
    found = _WRAPPED.match(output)
    return found[1] if found is not None else output


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?\d{1,9}", text) else None


def _parse_success(
    builder: Builder, key: str, call: OpenCall, args: Fields, outcome: ToolOutcome, shown: wire.EditShown | None
) -> None:
    for number, change in enumerate(_made(call, shown)):
        builder.add(f"{key}/edit{number}", as_edit(change, call.id))
    if call.name == TODOS:
        builder.add(f"{key}/todos", PlanUpdate(items=plan_items(args.get("todos"), "description", most=MAX_PLAN_ITEMS)))
    elif call.name == ASK:
        _parse_answers(builder, key, call.id, args, outcome.output)
    elif call.name == TOPIC:
        builder.learn(title=first_text(args, "title"))
    elif call.name == "exit_plan_mode":
        builder.add(f"{key}/plan", PlanProposal(call_id=call.id, text="", accepted=True))
    elif call.name == COMPLETE and builder.subagent_id is not None:
        _parse_completion(builder, key, args)


def _made(call: OpenCall, shown: wire.EditShown | None) -> tuple[Change, ...]:
    """Returns an edit's change: from its result, or else from its arguments."""
    if call.op not in ("edit", "write") or shown is None:
        return call.changes
    path = shown.file_path or next((change.path for change in call.changes), "")
    if not is_absolute(path) or len(path) > MAX_PATH_CHARS:
        return call.changes
    kind = "add" if shown.is_new_file else "modify"
    change = patched(Change(path=path, change="modify"), hunks_in(shown.file_diff))
    return (msgspec.structs.replace(change, change=kind),)


def _parse_answers(builder: Builder, key: str, call_id: str, args: Fields, output: str) -> None:
    """Adds the user's answers, which the output numbers by question from 0."""
    given = fields_of(fields_of(output.encode("utf-8", "replace")).get("answers"))
    for number, asked in enumerate(asked_in(args.get("questions"))):
        if text := text_of(given.get(str(number))).strip():
            builder.add(f"{key}/answer{number}", Answer(call_id=call_id, question=asked.question, text=text))


def _parse_completion(builder: Builder, key: str, args: Fields) -> None:
    """Adds a sub-agent's answer: a text, or an object with texts."""
    given = fields_of(args.get("result"))
    text = "\n".join(filter(None, map(text_of, given.values()))) or text_of(args.get("result"))
    if text.strip():
        builder.add(f"{key}/answer", AssistantMessage(text=text, final=True))
