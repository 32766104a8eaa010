"""Turns transcript records into events, one at a time: prompts, answers, and what the client notes (FACTS.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import msgspec

from carryover.adapter.contract import Parsed, Record, Source
from carryover.agents.qwen_code.builder import Builder, Context, Line
from carryover.families.claude_records import REPORTS
from carryover.families.gemini_like import calls, content
from carryover.families.gemini_like.usage import numbers_of
from carryover.families.retried import fail, recover
from carryover.model import AssistantMessage, Skipped, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.lenient import Fields, fields_of, inside, items_of, number_of, text_of
from carryover.records.resets import names_limit
from carryover.records.text import tagged

_LINE: Final = msgspec.json.Decoder(Line)
_PROMPTS: Final = (None, "mid_turn_user_message")
_NOT_TYPED: Final = frozenset(("cron", "goal_runtime", "realtime_message"))
"""Subtypes of `user` records that nobody typed (code)."""
_HOOK: Final = "<qwen:user-prompt-submit-context>"
_QUIET_SYSTEM: Final = frozenset(
    "at_command attribution_snapshot branch_checkpoint file_history_snapshot goal_state parent_session rewind "
    "session_model session_source slash_command turn_result".split()
)
"""What a rewind does follows from the parents of the records after it."""
_LIMIT_STATUSES: Final = (402, 429)
_TRIGGERS: Final[dict[str, Literal["manual", "auto"]]] = {"manual": "manual", "token_limit": "auto"}


def parse_record(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record of a Qwen Code transcript. Never raises: what is not understood is counted in `skipped`."""
    line = rawjson.read_line(_LINE, record.data)
    if line is None or isinstance(line, Skipped):
        return context, Parsed(skipped=(line,) if line is not None else ())
    return Builder.parse(source, context, line, record, _HANDLERS)


def _parse_user(builder: Builder) -> None:
    """Handles a `user` record: a prompt, or a report of the client in that role."""
    line = builder.line
    parts = content.parts_of(inside(line.message, "parts"))
    if not parts:
        builder.skip("user", "unexpected content")
        return
    text = content.shown_text([part for part in parts if not text_of(part.get("text")).startswith(_HOOK)])
    if text.startswith(REPORTS):
        builder.add_jobs(text, "words")
    elif line.subtype in _PROMPTS and line.provenance in (None, "real_user"):
        _parse_prompt(builder, text_of(builder.payload.get("displayText")) or text, parts)
    elif line.subtype not in (*_PROMPTS, *_NOT_TYPED, "notification"):
        builder.skip(f"user/{line.subtype}", "unknown subtype")


def _parse_prompt(builder: Builder, text: str, parts: list[Fields]) -> None:
    builder.change(failed=None, responded=False)
    if ran := content.typed_command(text, f"{builder.ident}/shell", builder.place):
        call, result = ran
        builder.add(call, "call")
        builder.add(result, "result")
        return
    text = content.REFERENCED.split(text, maxsplit=1)[0].strip()
    attachments = sum("inlineData" in part for part in parts)
    if text or attachments:
        builder.add(UserPrompt(text=text, actor=builder.actor, attachments=attachments), "prompt")


def _parse_assistant(builder: Builder) -> None:
    """Handles a text of the model, its tool calls, or both.

    The answer to a request is written once it is complete. One that the user stopped has no token counts, and the
    client has not noted a response before it.
    """
    line = builder.line
    parts = content.parts_of(inside(line.message, "parts"))
    if not parts:
        builder.skip("assistant", "unexpected content")
        return
    builder.learn_news(model=line.model)
    if line.uuid is not None:
        numbers = numbers_of(fields_of(line.usage_metadata))
        builder.count_tokens(line.uuid, session=builder.session, model=line.model, **numbers)
    recover(builder)
    is_whole = line.usage_metadata is not rawjson.ABSENT or builder.context.responded
    builder.change(responded=False)
    called = [fields_of(part["functionCall"]) for part in parts if "functionCall" in part]
    is_stopped = not (is_whole or called or builder.subagent_id)
    text = content.shown_text(parts)
    if text.strip():
        is_final = not (called or is_stopped)
        builder.add(AssistantMessage(text=text, final=is_final, aborted=is_stopped), "text")
    for number, call in enumerate(called):
        calls.parse_call(builder, f"call{number}", call)
    if is_stopped:
        builder.add(TurnEnd(reason="interrupted"), "end")


def _parse_result(builder: Builder) -> None:
    builder.change(responded=False)
    calls.parse_result(
        builder, content.parts_of(inside(builder.line.message, "parts")) or [], fields_of(builder.line.tool_call_result)
    )


def _parse_system(builder: Builder) -> None:
    subtype = builder.line.subtype
    if (handle := _SYSTEM.get(subtype or "")) is not None:
        handle(builder)
    elif subtype not in _QUIET_SYSTEM:
        builder.skip(f"system/{subtype}", "unknown subtype")


def _parse_telemetry(builder: Builder) -> None:
    """Handles a note about a request: that its answer came in, or that it failed."""
    event = fields_of(builder.payload.get("uiEvent"))
    if text_of(event.get("subagent_name")):  # of the client's own requests, for its memory
        return
    name = text_of(event.get("event.name")).rpartition(".")[2]
    if name == "api_response":
        builder.change(responded=True)
    elif name == "api_error":
        said = text_of(event.get("error_message"))
        limited = number_of(event.get("status_code")) in _LIMIT_STATUSES or names_limit(said)
        fail(builder, text_of(event.get("prompt_id")), said, limited=limited)


def _parse_summary(builder: Builder) -> None:
    history = items_of(builder.payload.get("compressedHistory"))
    text = content.shown_text(content.parts_of(inside(history[0], "parts")) or []) if history else ""
    trigger = _TRIGGERS.get(text_of(fields_of(builder.payload.get("info")).get("triggerReason")))
    summary = content.summary_in(tagged(text, "state_snapshot") or text, trigger)
    if summary is not None:
        builder.add(summary, "summary")


def _parse_title(builder: Builder) -> None:
    given = builder.payload
    builder.learn_title(text_of(given.get("customTitle")), by_user=text_of(given.get("titleSource")) == "manual")


_HANDLERS: Final[dict[str, Callable[[Builder], None]]] = {
    "user": _parse_user,
    "assistant": _parse_assistant,
    "tool_result": _parse_result,
    "system": _parse_system,
}
_SYSTEM: Final[dict[str, Callable[[Builder], None]]] = {
    "ui_telemetry": _parse_telemetry,
    "chat_compression": _parse_summary,
    "custom_title": _parse_title,
}
