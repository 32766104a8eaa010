"""Turns transcript records into events, one record at a time."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Source, ToolOutcome
from carryover.agents.claude_code import wire
from carryover.agents.claude_code.builder import Builder, Context
from carryover.agents.claude_code.prompts import parse_queue_operation, parse_queued_command, parse_words, plain_output
from carryover.agents.claude_code.results import outcome_by_text, parse_result
from carryover.agents.claude_code.spec import SPEC
from carryover.agents.claude_code.tools import parse_call
from carryover.agents.claude_code.wire import (
    IMAGE_BLOCKS,
    QUIET_ATTACHMENTS,
    QUIET_BLOCKS,
    QUIET_RECORDS,
    QUIET_SYSTEM,
)
from carryover.model import AgentSummary, AnyBody, AssistantMessage, Op, SessionInfo, Skipped
from carryover.records import rawjson
from carryover.records.fields import digest
from carryover.records.lenient import inside, text_of
from carryover.records.resets import failed_turn, names_limit
from carryover.records.text import without_handoff

SYNTHETIC: Final = "<synthetic>"
"""Texts that the client writes in place of the model's: errors, limits, "No response requested."."""

NO_ANSWER: Final = frozenset(("", "No response requested.", "(no content)"))
"""The text of an answer in which the model said nothing, without surrounding white space."""
_RECAP_HINT: Final = "(disable recaps in /config)"
_FINAL: Final = {"end_turn": True, "stop_sequence": True, "refusal": True, "tool_use": False, "pause_turn": False}
_NOTHING: Final = Parsed()


def parse_record(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record of a Claude Code transcript. Never raises: what is not understood is counted in `skipped`."""
    line = rawjson.read_line(wire.LINE, record.data, quiet=QUIET_RECORDS)
    if line is None:
        return context, _NOTHING
    if isinstance(line, Skipped):
        return context, Parsed(skipped=(line,))
    if _is_quiet(line):
        return context, _NOTHING
    handle = _HANDLERS.get(line.type)
    if handle is None:
        return context, Parsed(skipped=(rawjson.skipped(line.type, "unknown record type", line.version),))
    builder = Builder.begin(source, context, line, record)
    handle(builder)
    return builder.parsed()


def _is_quiet(line: wire.Line) -> bool:
    """Whether a record is of a kind known to hold nothing for us. Most are, so they are dropped first."""
    if line.type == "attachment":
        kind = rawjson.part_of(line.attachment, wire.AttachmentKind)
        # Hooks put our own handoff into the transcript: their records never become events.
        return kind is not None and (kind.type in QUIET_ATTACHMENTS or kind.type.startswith("hook_"))
    if line.type == "system":
        return line.subtype in QUIET_SYSTEM
    return line.type in QUIET_RECORDS or line.type.startswith("artifact-")


def _parse_user(builder: Builder) -> None:
    message = _message(builder)
    if message is None:
        return
    if isinstance(message.content, str):
        parse_words(builder, [message.content], 0)
        return
    texts, images = [], 0
    for number, block in enumerate(message.content):
        if block.type == "tool_result":
            parse_result(builder, str(number), block)
        elif block.type == "text":
            texts.append(block.text or "")
        elif block.type in IMAGE_BLOCKS:
            images += 1
        elif block.type not in QUIET_BLOCKS:
            builder.skip(f"user/{block.type}", "unknown block")
    if texts or images:
        parse_words(builder, texts, images)


def _parse_assistant(builder: Builder) -> None:
    message = _message(builder)
    if message is None:
        return
    blocks = [wire.Block("text", message.content)] if isinstance(message.content, str) else message.content
    if message.model == SYNTHETIC or builder.line.is_api_error_message:
        _parse_synthetic(builder, "\n".join(block.text for block in blocks if block.text))
        return
    builder.learn_model(message.model)
    for number, block in enumerate(blocks):
        if block.type == "text":
            _parse_text(builder, str(number), block.text or "", message.stop_reason)
        elif block.type == "tool_use":
            parse_call(builder, str(number), block)
        elif block.type not in QUIET_BLOCKS:
            builder.skip(f"assistant/{block.type}", "unknown block")


def _parse_text(builder: Builder, part: str, text: str, stop_reason: str | None) -> None:
    if text.strip() in NO_ANSWER:
        return
    message = AssistantMessage(
        text=text,
        # One API message is several records: 2.1.111 repeats the reason on each, 2.0.65 has it on the last only.
        final=_FINAL.get(stop_reason or ""),
        aborted=builder.line.is_aborted_mid_stream is True,
    )
    builder.add(message, part, digest(text))


def _parse_synthetic(builder: Builder, text: str) -> None:
    """Handles an error in place of an answer. Replayed copies lose their flags (2.0.28), so only the text counts."""
    text = text.strip()
    line = builder.line
    limited = rawjson.string_of(line.error) == "rate_limit" or bytes(line.api_error_status) == b"429"
    limited = limited or names_limit(text)
    if limited or text not in NO_ANSWER:
        builder.add(failed_turn(text, builder.at_ms, limited=limited), "end", digest(text))


def _parse_system(builder: Builder) -> None:
    subtype = builder.line.subtype
    if subtype == "compact_boundary":
        trigger = text_of(inside(builder.line.compact_metadata, "trigger"))
        builder.change(compaction=trigger if trigger in ("manual", "auto") else None)
    elif subtype == "away_summary":
        text = without_handoff(rawjson.text_of(builder.line.content) or "").replace(_RECAP_HINT, "").strip()
        if text:
            builder.add(AgentSummary(text=text, source="away"), "summary", digest(text))
    else:
        builder.skip(f"system/{subtype}", "unknown subtype")


def _parse_attachment(builder: Builder) -> None:
    attachment = rawjson.part_of(builder.line.attachment, wire.Attachment)
    if attachment is None:
        builder.skip("attachment", "unexpected shape")
    elif attachment.type == "queued_command":
        parse_queued_command(builder, attachment)
    else:
        builder.skip(f"attachment/{attachment.type}", "unknown attachment")


def _parse_title(builder: Builder) -> None:
    line = builder.line
    builder.learn_title(line.custom_title or line.ai_title, by_user=line.custom_title is not None)
    if builder.context.newest_ms:
        builder.emit_session_info()


def _message(builder: Builder) -> wire.Message | None:
    message = rawjson.read(wire.MESSAGE, bytes(builder.line.message))
    if isinstance(message, str):
        builder.skip(builder.line.type, message)
        return None
    return message


_HANDLERS: Final[dict[str, Callable[[Builder], None]]] = {
    "user": _parse_user,
    "assistant": _parse_assistant,
    "system": _parse_system,
    "attachment": _parse_attachment,
    "queue-operation": parse_queue_operation,
    "custom-title": _parse_title,
    "ai-title": _parse_title,
}


_SKILL: Final = "Skill"
"""The client answers this call with a `user` record that contains the skill's text (2.1.126)."""
_IMAGES: Final = re.compile(r"(?:\s*\[Image: source: [^\]\n]{1,1000}\])+\s*")
"""Source of a prompt's images: a record that the client writes after the prompt (in exports of 2026)."""
_SOURCE: Final = Source(agent=SPEC.id, path="")


def read_prompt(text: str, after: str) -> tuple[AnyBody, ...]:
    """Returns the events in the text of a `user` record; none if the client wrote it.

    `after`: see `QuotedText.prompt`.
    """
    if after == _SKILL or _IMAGES.fullmatch(text):
        return ()
    record = {
        "type": "user",
        "uuid": "quoted",
        "sessionId": "quoted",
        "timestamp": "2025-01-01T00:00:00Z",
        "message": {"role": "user", "content": text},
    }
    _, parsed = parse_record(_SOURCE, Context(), Record(number=1, data=msgspec.json.encode(record)))
    return tuple(event.body for event in parsed.events if not isinstance(event.body, SessionInfo))


def read_outcome(_op: Op, text: str) -> ToolOutcome:
    """Determines how a call ended from the text of its result."""
    return outcome_by_text(plain_output(text))
