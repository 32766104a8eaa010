"""Turns the reader's records into events, one record at a time. Pure; never raises."""

from __future__ import annotations

import re
from typing import Final

from carryover.adapter.contract import Parsed, Record, Source
from carryover.adapter.event_builder import OpenCall, closed, opened, usable_name
from carryover.agents.goose import database, tools
from carryover.families.stored import Context, StoredBuilder, is_usable_id
from carryover.model import AgentSummary, AssistantMessage, PlanUpdate, UserPrompt
from carryover.records import rawjson
from carryover.records.changes import as_edit
from carryover.records.lenient import Fields, fields_of, items_of, text_of
from carryover.records.text import without_handoff

_UNNAMED: Final = re.compile(r"(?:CLI Session|New Chat|New session(?: \d+)?)", re.I)
"""Names of sessions that have none of their own yet."""
_QUIET: Final = (
    "thinking",
    "redactedThinking",
    "reasoning",
    "systemNotification",
    "toolConfirmationRequest",
    "actionRequired",
    "conversationCompacted",
)


def parse_record(_source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record. Never raises: what is not understood is counted in `skipped`."""
    read = rawjson.read(database.RECORD, record.data)
    if isinstance(read, str):
        return context, Parsed(skipped=(rawjson.skipped(None, read, None),))
    native, entry = read.session, read.entry
    if not is_usable_id(native.id):
        return context, Parsed(skipped=(rawjson.skipped("session", "no usable id", None),))
    builder = StoredBuilder(context=context, native=native)
    if read.kind == "begin":
        return builder.begin(read)
    builder.at_ms = builder.reported.last_ms
    if entry is not None:
        builder.at_ms = entry.at_s * 1000 if 0 < entry.at_s < 4_102_444_800 else builder.at_ms
        builder.report(last_ms=max(builder.reported.last_ms, builder.at_ms))
    title = None if _UNNAMED.fullmatch(native.title or "") else native.title
    builder.add_facts({"title": title, "model": native.model, "parent": native.forked_from})
    if entry is not None and builder.at_ms:
        _parse_entry(builder, entry)
    elif entry is not None:
        builder.skip("message", "no time")
    return builder.finished()


def _parse_entry(builder: StoredBuilder, entry: database.Entry) -> None:
    parts = [fields_of(part) for part in items_of(entry.content)]
    kinds = [text_of(part.get("type")) for part in parts]
    said = [text_of(part.get("text")) for part, kind in zip(parts, kinds, strict=True) if kind == "text"]
    text = without_handoff("\n".join(said)).strip()
    key = f"{builder.native.id}/{entry.key}"
    images = kinds.count("image")
    if entry.sums_up and text:
        builder.add(AgentSummary(text=text, source="compaction"), f"{key}:summary")
    elif entry.role == "user" and (text or images):
        builder.add(UserPrompt(text=text, actor=builder.actor, attachments=images), f"{key}:prompt")
    elif entry.role == "assistant" and text:
        is_final = entry.last and "toolRequest" not in kinds
        builder.add(AssistantMessage(text=text, final=is_final), f"{key}:text")
    elif entry.role not in ("user", "assistant"):
        builder.skip(f"message/{entry.role}", "unknown role")
    for number, (kind, part) in enumerate(zip(kinds, parts, strict=True)):
        _parse_part(builder, kind, part, f"{key}/{number}")


def _parse_part(builder: StoredBuilder, kind: str, part: Fields, key: str) -> None:
    match kind:
        case "toolRequest" | "frontendToolRequest":
            _parse_call(builder, part, key)
        case "toolResponse":
            _parse_result(builder, part, key)
        case "text" | "image":
            pass
        case _ if kind not in _QUIET:
            builder.skip(f"part/{kind}", "unknown type")


def _parse_call(builder: StoredBuilder, part: Fields, key: str) -> None:
    call = tools.called(part, builder.cwd)
    if call is None:
        builder.skip("part/toolRequest", "no usable id or name")
        return
    builder.add(call.as_event(), f"{key}:call")
    builder.report(calls=opened(builder.reported.calls, call))
    if call.op == "plan":
        builder.add(PlanUpdate(items=tools.todos_in(part)), f"{key}:todos")


def _parse_result(builder: StoredBuilder, part: Fields, key: str) -> None:
    call_id = usable_name(text_of(part.get("id")))
    if call_id is None:
        builder.skip("part/toolResponse", "no usable id")
        return
    unknown = OpenCall(id=call_id, name="?", op="other")
    call = next((call for call in builder.reported.calls if call.id == call_id), unknown)
    builder.report(calls=closed(builder.reported.calls, call_id))
    outcome = tools.outcome_of(call.op, part.get("toolResult", rawjson.ABSENT))
    builder.add(call.ended(outcome), f"{key}:result")
    for number, change in enumerate(call.changes if outcome.status == "ok" else ()):
        builder.add(as_edit(change, call.id), f"{key}:edit{number}")
