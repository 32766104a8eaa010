"""Tool calls in records that hold a content: a `functionCall` part, then its `functionResponse` in a record of its own.

Seen in Qwen Code 0.15 and 0.24.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Protocol

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import OpenCall, closed, usable_name
from carryover.adapter.event_builder import opened as with_open
from carryover.families.gemini_like.tools import NEVER_RAN, made, opened, shell_outcome
from carryover.model import Answer, AnyBody, PlanUpdate
from carryover.records.asked import plan_items
from carryover.records.changes import as_edit
from carryover.records.lenient import Fields, fields_of, first_text, items_of, number_of, text_of

_DENIED: Final = re.compile(r"(?:\[Operation Cancelled\] Reason: )?User did not allow tool call\.?")
_REMINDER: Final = re.compile(r"\n*<system-reminder>.*?</system-reminder>", re.DOTALL)


class _Remembering(Protocol):
    @property
    def calls(self) -> tuple[OpenCall, ...]: ...


class Builder(Protocol):
    """The builder of a record's events (an `adapter.event_builder.EventBuilder`), whose context has the open calls."""

    @property
    def context(self) -> _Remembering:
        """What is remembered from one record to the next."""

    @property
    def place(self) -> str | None:
        """The folder that relative paths are in."""

    def add(self, body: AnyBody, part: str) -> None:
        """Adds an event; `part` is its place in the record."""

    def change(self, **changes: object) -> None:
        """Replaces fields of the context."""

    def skip(self, record_type: str, reason: str) -> None:
        """Counts what was not understood."""


def parse_call(builder: Builder, part: str, given: Fields) -> None:
    """Handles a `functionCall`: adds the call and its questions."""
    call_id = usable_name(text_of(given.get("id")))
    name = usable_name(text_of(given.get("name")))
    if call_id is None or name is None:
        builder.skip("assistant/functionCall", "no usable id or name")
        return
    call, asked = opened(call_id, name, fields_of(given.get("args")), builder.place)
    builder.add(call.as_event(), part)
    builder.change(calls=with_open(builder.context.calls, call))
    for number, each in enumerate(asked):
        builder.add(each.as_event(call_id), f"{part}.question{number}")


def parse_result(builder: Builder, parts: list[Fields], result: Fields) -> None:
    """Handles a record with a `functionResponse` among its parts: closes its call and, if that succeeded, adds what it
    changed. `result`: how it ended, as the client notes it beside the content.
    """
    response = next((fields_of(part["functionResponse"]) for part in parts if "functionResponse" in part), {})
    call_id = usable_name(text_of(result.get("callId")) or text_of(response.get("id")))
    if call_id is None:
        builder.skip("tool_result", "no usable id")
        return
    calls = builder.context.calls
    unknown = OpenCall(id=call_id, name=text_of(response.get("name")), op="other")
    call = next((call for call in calls if call.id == call_id), unknown)
    builder.change(calls=closed(calls, call_id))
    outcome = _outcome(call, fields_of(response.get("response")), result)
    builder.add(call.ended(outcome), "result")
    if outcome.status == "ok":
        for part, body in _effects(call, fields_of(result.get("resultDisplay"))):
            builder.add(body, part)


def _outcome(call: OpenCall, response: Fields, result: Fields) -> ToolOutcome:
    text = _REMINDER.sub("", first_text(response, "error", "output"))
    never_ran = text_of(result.get("executionStatus")) == "not_started" or NEVER_RAN.match(text) is not None
    match text_of(result.get("status")):
        case "cancelled":
            return ToolOutcome("denied" if _DENIED.fullmatch(text) else "interrupted", text, never_ran=never_ran)
        case "error" if call.op != "shell" or never_ran:
            return ToolOutcome("error", text, never_ran=never_ran)
        case "error" | "success" if call.op == "shell":
            return _of_shell(text, fields_of(result.get("resultDisplay")))
        case "success":
            return ToolOutcome("ok", text)
    return ToolOutcome("unknown", text)


def _of_shell(text: str, shown: Fields) -> ToolOutcome:
    """Determines how a command ended, by its exit code as the user saw it (0.24) or else by the model's text."""
    outcome = shell_outcome(text)
    exit_code = number_of(shown.get("exitCode"))
    if exit_code is None:
        return outcome
    return ToolOutcome("error" if exit_code else "ok", outcome.output, exit_code=exit_code)


def _effects(call: OpenCall, shown: Fields) -> Iterator[tuple[str, AnyBody]]:
    """Yields what a call that succeeded did, each with the end of its event's key."""
    before = shown.get("originalContent")
    is_new = before is not None and bytes(before) == b'""'
    for number, change in enumerate(made(call, shown, is_new=is_new)):
        yield f"edit{number}", as_edit(change, call.id)
    if "todos" in shown:
        yield "todos", PlanUpdate(items=plan_items(shown["todos"], "content"))
    for number, given in enumerate(map(fields_of, items_of(shown.get("answers")))):
        if text := text_of(given.get("answer")):
            yield f"answer{number}", Answer(call_id=call.id, question=text_of(given.get("question")), text=text)
