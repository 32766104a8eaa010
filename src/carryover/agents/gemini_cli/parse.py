"""Turns transcript records into events, one record at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Reemitted, Source
from carryover.agents.gemini_cli import messages, wire
from carryover.agents.gemini_cli.builder import SUB_AGENT, Builder, Context, Message, usable_id
from carryover.agents.gemini_cli.results import parse_calls
from carryover.agents.gemini_cli.tools import QUIET_MESSAGES
from carryover.records import rawjson

_DOCUMENT: Final = Context(document=True)


def parse_record(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record of a Gemini CLI transcript. Never raises: what is not understood is counted in `skipped`."""
    line = rawjson.read(wire.LINE, record.data)
    if isinstance(line, str):
        return context, Parsed(skipped=(rawjson.skipped(None, line, None),))
    builder = Builder(context=context, source=source, at_ms=context.last_ms)
    if line.begin != rawjson.ABSENT:
        return builder.parsed(_parse_begin(builder, line))
    _dispatch(builder, line)
    return builder.parsed()


def _dispatch(builder: Builder, line: wire.Line) -> None:
    """Handles a record by its kind, checked in the order in which the client does it (0.61)."""
    if (ident := usable_id(line.rewind_to)) is not None:
        messages.parse_rewind(builder, ident)
    elif (ident := usable_id(line.id)) is not None:
        _parse_message(builder, ident, line)
    elif line.patch != rawjson.ABSENT:
        _parse_patch(builder, line.patch)
    elif usable_id(line.session_id) is not None:
        _parse_header(builder, line)
    else:
        builder.skip("record", "unknown record")


def _parse_begin(builder: Builder, line: wire.Line) -> Reemitted | None:
    """Handles the reader's header. A document is emitted again from its first change on."""
    begin = rawjson.part_of(line.begin, wire.Begin)
    if begin is None:
        builder.skip("$begin", "unexpected shape")
        return None
    if begin.document and not begin.on:
        builder.context = _DOCUMENT
    if begin.root is not None:
        builder.settle([begin.root])
    if usable_id(line.session_id) is not None:
        _parse_header(builder, line)
    last = builder.context.last
    if not begin.document or (begin.on and last is None):
        return None
    after = last.id if begin.on and last is not None else None
    return Reemitted(session=builder.session, subagent_id=builder.subagent_id, after=after, more=begin.more)


def _parse_header(builder: Builder, line: wire.Line) -> None:
    """Handles the first record. It may be repeated when a session is resumed; only the first one counts."""
    context = builder.context
    if context.session is None:
        session = usable_id(line.session_id)
        is_sub_agent = rawjson.string_of(line.kind) == SUB_AGENT
        builder.change(
            session=session,
            subagent_id=session if is_sub_agent else None,
            folder=usable_id(line.project_hash),
        )
    if not builder.context.last_ms:
        builder.at(line.start_time)
    _learn(builder, line)


def _parse_patch(builder: Builder, raw: msgspec.Raw) -> None:
    """Handles `$set`: facts about the session, or the list of messages that the model is sent."""
    patch = rawjson.part_of(raw, wire.Line)
    if patch is None:
        builder.skip("$set", "unexpected shape")
        return
    _learn(builder, patch)
    if patch.messages != rawjson.ABSENT:
        messages.parse_list(builder, patch.messages)


def _learn(builder: Builder, line: wire.Line) -> None:
    builder.learn(title=rawjson.string_of(line.summary))
    builder.settle(rawjson.part_of(line.directories, list[str]) or ())


def _parse_message(builder: Builder, ident: str, line: wire.Line) -> None:
    kind = rawjson.string_of(line.type)
    builder.at(line.timestamp)
    message = builder.message(ident)
    if kind == "gemini":
        message = _parse_gemini(builder, message, line)
    elif (parse := _MESSAGES.get(kind or "")) is not None:
        message = parse(builder, message, line)
    elif kind not in QUIET_MESSAGES:
        builder.skip(f"message/{kind}", "unknown message type")
        return
    builder.keep(message)


def _parse_gemini(builder: Builder, message: Message, line: wire.Line) -> Message:
    """Handles a text of the model, its tool calls, or both."""
    builder.learn(model=rawjson.string_of(line.model))
    calls = rawjson.part_of(line.calls, list[msgspec.Raw])
    if calls is None and line.calls != rawjson.ABSENT:
        builder.skip("gemini/toolCalls", "unexpected shape")
    message = messages.parse_answer(builder, message, line, called=bool(calls))
    return parse_calls(builder, message, calls or [])


_MESSAGES: Final[dict[str, Callable[[Builder, Message, wire.Line], Message]]] = {
    "user": messages.parse_user,
    "info": messages.parse_info,
    "error": messages.parse_error,
}
