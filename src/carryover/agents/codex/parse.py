"""From the records of a transcript to events: one record in, the new context and what it became."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from carryover.adapter.contract import Parsed, Record, Source
from carryover.adapter.event_builder import usable_folder
from carryover.agents.codex import messages, turns, wire
from carryover.agents.codex.builder import Builder
from carryover.agents.codex.context import Context
from carryover.agents.codex.kinds import QUIET_EVENTS, QUIET_ITEMS, QUIET_RECORDS, QUIET_RESPONSES
from carryover.agents.codex.reader import NOTED
from carryover.agents.codex.results import parse_command, parse_file_change, parse_output, parse_web_search
from carryover.agents.codex.session import is_still_copied, parse_session
from carryover.agents.codex.tools import parse_call
from carryover.model import Skipped
from carryover.records import rawjson

T = TypeVar("T")
_NOTHING: Final = Parsed()


def parse_record(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record of a Codex transcript. Never raises: what is not understood is counted in `skipped`."""
    if record.number == NOTED:
        return msgspec.structs.replace(context, orphan=True), _NOTHING
    line = rawjson.read_line(wire.LINE, record.data, version=context.facts.agent_version)
    if line is None:
        return context, _NOTHING
    if isinstance(line, Skipped):
        return context, Parsed(skipped=(line,))
    handle = _RECORDS.get(line.type)
    if line.type in QUIET_RECORDS or (handle is not None and is_still_copied(context, line)):
        return context, _NOTHING
    builder = Builder.begin(source, context, line)
    if handle is None:
        builder.skip(line.type, "unknown record type")
    else:
        builder.change(copied_s=None, own_from=None)
        handle(builder, line.payload)
    return builder.parsed()


def _parse_event(builder: Builder, payload: msgspec.Raw) -> None:
    kind = wire.kind_of(payload) or ""
    if kind in QUIET_EVENTS:
        return
    if (known := _EVENTS.get(kind)) is not None:
        _with(builder, f"event_msg/{kind}", payload, *known)
    elif kind in ("user_message", "agent_message"):
        messages.parse_event_message(builder, kind, payload)
    elif kind == "token_count":
        turns.parse_token_count(builder, payload)
    elif kind in ("entered_review_mode", "exited_review_mode"):
        builder.change(review=kind == "entered_review_mode")
    else:
        builder.skip(f"event_msg/{kind}", "unknown event")


def _parse_item(builder: Builder, completed: wire.ItemCompleted) -> None:
    kind = wire.kind_of(completed.item) or ""
    if kind in QUIET_ITEMS:
        return
    # Of a review, the file that asked for it repeats the reviewer's prompt.
    if None not in (builder.context.thread, completed.thread_id) and completed.thread_id != builder.context.thread:
        return
    builder.at_turn(completed.turn_id)
    if (known := _ITEMS.get(kind)) is not None:
        _with(builder, f"item_completed/{kind}", completed.item, *known)
    elif kind in ("UserMessage", "AgentMessage"):
        messages.parse_item_message(builder, kind, completed.item)
    elif kind in ("EnteredReviewMode", "ExitedReviewMode"):
        builder.change(review=kind == "EnteredReviewMode")
    else:
        builder.skip(f"item_completed/{kind}", "unknown item")


def _parse_response(builder: Builder, payload: msgspec.Raw) -> None:
    kind = wire.kind_of(payload) or ""
    if kind in QUIET_RESPONSES:
        return
    if kind in ("function_call", "custom_tool_call", "local_shell_call"):
        _with(builder, kind, payload, wire.Call, lambda at, call: parse_call(at, kind, call))
    elif kind in ("function_call_output", "custom_tool_call_output"):
        _with(builder, kind, payload, wire.Output, lambda at, output: parse_output(at, kind, output))
    elif kind == "web_search_call":
        _with(builder, kind, payload, wire.Call, parse_web_search)
    elif kind != "message":
        builder.skip(f"response_item/{kind}", "unknown item")
    elif builder.turn.id is not None:
        messages.parse_report(builder, payload)
    elif (place := usable_folder(messages.environment_folder(payload))) is not None:
        # 0.99 records the folder of a turn only after its prompt; but the model learns it before.
        builder.start_turn(None, place)


def _with(builder: Builder, name: str, raw: msgspec.Raw, kind: type[T], handle: Callable[[Builder, T], None]) -> None:
    """Parses a part of the record as `kind`, or count that it has another shape."""
    part = rawjson.part_of(raw, kind)
    if part is None:
        builder.skip(name, "unexpected shape")
    else:
        handle(builder, part)


_RECORDS: Final[dict[str, Callable[[Builder, msgspec.Raw], None]]] = {
    "session_meta": parse_session,
    "turn_context": turns.parse_context,
    "event_msg": _parse_event,
    "response_item": _parse_response,
    "compacted": messages.parse_compacted,
}
_EVENTS: Final[dict[str, tuple[type[Any], Callable[[Builder, Any], None]]]] = {
    "task_started": (wire.TurnEvent, turns.parse_started),
    "turn_started": (wire.TurnEvent, turns.parse_started),
    "task_complete": (wire.TurnEvent, turns.parse_complete),
    "turn_complete": (wire.TurnEvent, turns.parse_complete),
    "turn_aborted": (wire.TurnEvent, turns.parse_aborted),
    "thread_settings_applied": (wire.SettingsApplied, turns.parse_settings),
    "thread_rolled_back": (wire.RolledBack, turns.parse_rolled_back),
    "item_completed": (wire.ItemCompleted, _parse_item),
    "exec_command_end": (wire.Command, parse_command),
    "patch_apply_end": (wire.FileChange, parse_file_change),
}
_ITEMS: Final[dict[str, tuple[type[Any], Callable[[Builder, Any], None]]]] = {
    "CommandExecution": (wire.Command, parse_command),
    "FileChange": (wire.FileChange, parse_file_change),
    "Plan": (wire.PlanItem, messages.parse_plan),
}
