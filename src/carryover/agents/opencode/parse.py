"""Turns a reader's records into events, one record at a time. Pure; never raises."""

from __future__ import annotations

import re
from typing import Final, Literal

from carryover.adapter.contract import Parsed, Record, Reemitted, Source, ToolOutcome
from carryover.adapter.event_builder import reemitted_after
from carryover.agents.opencode import tools
from carryover.agents.opencode.builder import Builder
from carryover.agents.opencode.tools import (
    ABORTED_ERROR,
    LIMIT_STATUSES,
    QUIET_PARTS,
    SHELL_PROMPT,
    SUMMARY_KINDS,
)
from carryover.agents.opencode.wire import (
    RECORD,
    BeginRecord,
    Context,
    MessageRecord,
    PartEntry,
    ms_of,
)
from carryover.model import AgentSummary, AssistantMessage, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.changes import as_edit
from carryover.records.lenient import Fields, fields_of, inside, is_true, number_of, text_of
from carryover.records.resets import failed_turn, names_limit
from carryover.records.summary import parts_by_heading
from carryover.records.text import without_handoff

_QUOTED: Final = re.compile(r'"([^"]*\s[^"]*)"\s*')
"""How `opencode run` records a prompt of several words (1.1.65 to 1.18.33)."""

_TRIGGERS: Final[dict[bytes, Literal["auto", "manual"]]] = {b"auto": "auto", b"manual": "manual"}


def parse_record(_source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record. Never raises: what is not understood is counted in `skipped`."""
    read = rawjson.read(RECORD, record.data)
    if isinstance(read, str):
        return context, Parsed(skipped=(rawjson.skipped(None, read, None),))
    builder = Builder.of(context, read.session)
    if builder is None:
        return context, Parsed(skipped=(rawjson.skipped("session", "no usable id", None),))
    if isinstance(read, BeginRecord):
        return builder.parsed(_begin(builder, read))
    if isinstance(read, MessageRecord):
        _parse_message(builder, read)
    else:
        builder.at_ms = builder.reported.last_ms
        builder.add_info()
    return builder.parsed()


def _begin(builder: Builder, record: BeginRecord) -> Reemitted | None:
    """Marks what is emitted again: the events after the last one, or all of them if anything before it changed."""
    known = builder.is_known
    if record.on and not known:
        return None
    if not record.on:
        builder.forget()
    return reemitted_after(
        builder.reported.last, session=builder.session, subagent_id=builder.subagent_id, more=record.more
    )


def _parse_message(builder: Builder, record: MessageRecord) -> None:
    message = fields_of(record.data)
    role = text_of(message.get("role"))
    if role not in ("user", "assistant"):
        builder.skip(f"message/{role}" if role else "message", "unknown role" if role else "unexpected shape")
        return
    times = fields_of(message.get("time"))
    builder.at_ms = ms_of(times.get("created")) or builder.reported.last_ms
    if not builder.at_ms:
        builder.skip("message", "no usable time")
        return
    model = text_of(message.get("modelID")) or text_of(fields_of(message.get("model")).get("modelID"))
    builder.report(last_ms=max(builder.reported.last_ms, builder.at_ms))
    builder.add_info(model or None)
    if role == "user":
        _parse_prompt(builder, record)
        return
    created_ms = builder.at_ms
    for entry in record.parts:
        builder.at_ms = created_ms
        _parse_part(builder, record, message, entry)
    if record.ended:
        builder.at_ms = ms_of(times.get("completed")) or max(created_ms, builder.reported.last_ms)
        _parse_end(builder, record.id, message)


def _parse_prompt(builder: Builder, record: MessageRecord) -> None:
    """Adds a person's text, without the client's additions for the model, such as the content of a named file."""
    typed: list[str] = []
    files = 0
    for entry in record.parts:
        part = fields_of(entry.data)
        kind = text_of(part.get("type"))
        if not kind:
            builder.skip("part", "unexpected shape")
        elif kind == "text":
            text = text_of(part.get("text"))
            if is_true(part.get("synthetic")) and text.startswith(SHELL_PROMPT):
                builder.report(shell=record.id.encode("utf-8", "replace"))
            elif not is_true(part.get("synthetic")) and not is_true(part.get("ignored")):
                typed.append(text)
        elif kind == "file":
            files += 1
        elif kind == "compaction":
            builder.report(compacted_by=b"auto" if is_true(part.get("auto")) else b"manual")
        elif kind not in QUIET_PARTS:
            builder.skip(f"part/{kind}", "unknown part type")
    text = _as_typed("\n".join(typed))
    if text.strip() or (files and not typed):
        builder.add(UserPrompt(text=text, actor=builder.actor, attachments=files), f"{record.id}:prompt")


def _as_typed(text: str) -> str:
    quoted = _QUOTED.fullmatch(text)
    return quoted[1] if quoted else text


def _parse_part(builder: Builder, record: MessageRecord, message: Fields, entry: PartEntry) -> None:
    part = fields_of(entry.data)
    kind = text_of(part.get("type"))
    if not kind:
        builder.skip("part", "unexpected shape")
    elif kind == "text":
        if entry.ended:
            _parse_text(builder, record, message, entry, part)
    elif kind == "tool":
        _parse_call(builder, message, entry, part)
    elif kind not in QUIET_PARTS and entry.ended:
        builder.skip(f"part/{kind}", "unknown part type")


def _parse_text(builder: Builder, record: MessageRecord, message: Fields, entry: PartEntry, part: Fields) -> None:
    text = text_of(part.get("text"))
    if not text.strip() or is_true(part.get("synthetic")) or is_true(part.get("ignored")):
        return
    times = fields_of(part.get("time"))
    builder.at_ms = ms_of(times.get("end")) or ms_of(times.get("start")) or builder.at_ms
    if is_true(message.get("summary")):
        trigger = _TRIGGERS.get(builder.reported.compacted_by)
        text = without_handoff(text)
        parts = parts_by_heading(text, SUMMARY_KINDS)
        builder.add(AgentSummary(text=text, source="compaction", trigger=trigger, parts=parts), f"{entry.id}:summary")
        return
    is_last = entry.id == record.last_text
    aborted = text_of(fields_of(message.get("error")).get("name")) == ABORTED_ERROR
    builder.add(AssistantMessage(text=text, final=True if is_last else None, aborted=aborted), f"{entry.id}:text")


def _parse_call(builder: Builder, message: Fields, entry: PartEntry, part: Fields) -> None:
    by_user = text_of(message.get("parentID")).encode("utf-8", "replace") == builder.reported.shell != b""
    found = tools.called(entry.id, part, builder.cwd, "human" if by_user else "model")
    if found is None:
        builder.skip("part/tool", "no usable name")
        return
    times = fields_of(inside(part.get("state", rawjson.ABSENT), "time"))
    start_ms = ms_of(times.get("start")) or builder.at_ms
    if entry.begun:
        builder.at_ms = start_ms
        builder.add(found.call.as_event(), f"{entry.id}:call")
        for number, question in enumerate(tools.question_events(found)):
            builder.add(question, f"{entry.id}:question{number}")
    outcome = tools.outcome_of(found) if entry.ended else None
    if outcome is None:
        if entry.ended and text_of(found.state.get("status")) not in ("pending", "running"):
            builder.skip("part/tool", "unknown status")
        return
    builder.at_ms = ms_of(times.get("end")) or start_ms
    _add_result(builder, entry.id, found, outcome)


def _add_result(builder: Builder, ident: str, found: tools.Called, outcome: ToolOutcome) -> None:
    call = found.call
    builder.add(call.ended(outcome), f"{ident}:result")
    if outcome.user_words:
        builder.add(UserPrompt(text=outcome.user_words, actor=builder.actor), f"{ident}:feedback")
    if outcome.status != "ok":
        return
    for number, change in enumerate(tools.changes_of(found)):
        builder.add(as_edit(change, call.id), f"{ident}:edit{number}")
    if (plan := tools.plan_of(found)) is not None:
        builder.add(plan, f"{ident}:todos")
    for number, answer in enumerate(tools.answer_events(found)):
        builder.add(answer, f"{ident}:answer{number}")


def _parse_end(builder: Builder, ident: str, message: Fields) -> None:
    """Adds the end of a message that ended neither in an answer nor in calls."""
    error = fields_of(message.get("error"))
    name = text_of(error.get("name"))
    if not name:
        return
    if name == ABORTED_ERROR:
        builder.add(TurnEnd(reason="interrupted"), f"{ident}:end")
        return
    data = fields_of(error.get("data"))
    said = text_of(data.get("message")) or text_of(error.get("message")) or name
    is_limit = number_of(data.get("statusCode")) in LIMIT_STATUSES or names_limit(said)
    builder.add(failed_turn(said, builder.at_ms, limited=is_limit), f"{ident}:end")
