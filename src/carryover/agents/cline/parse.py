"""Turns messages of a session into events. FACTS.md has the shapes; tool calls are in `tools`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Source
from carryover.agents.cline.tools import parse_call, parse_result
from carryover.families.vscode_tasks.builder import Builder, Context, State, begun, entry_of
from carryover.model import AgentSummary, AssistantMessage, Event, SessionInfo, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.lenient import Fields, fields_of, items_of, text_of
from carryover.records.resets import failed_turn, names_limit
from carryover.records.text import without_handoff
from carryover.records.usage import numbers_in

_TYPED: Final = re.compile(r'<user_input mode="[^"]*">(.*)</user_input>', re.DOTALL)
_NOTICE: Final = re.compile(r"<mode_notice>.*?</mode_notice>\n?", re.DOTALL)
_COMMAND: Final = re.compile(r'<user_command slash="([^"\n]*)">.*?</user_command>', re.DOTALL)
_ATTACHED: Final = ("file", "image")
_QUIET: Final = ("thinking", "redacted_thinking", *_ATTACHED)
_GONE: Final = "disconnected before request was resolved"
"""The terminal client was stopped while another process ran its session."""


def parse_record(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record of a session. Never raises: what is not understood is counted in `skipped`."""
    entry = entry_of(record)
    if isinstance(entry, str):
        return context, Parsed(skipped=(rawjson.skipped(None, entry, None),))
    if entry.begin is not None:
        context, reemitted = begun(context, entry.begin, source)
        return context, Parsed(reemitted=reemitted)
    if entry.state is not None:
        return context, Parsed(events=_events_of(context, entry.state))
    builder = Builder.of_message(context, entry.message, "id", own=True)
    role = text_of(builder.message.get("role"))
    handle = _ROLES.get(role)
    if handle is None:
        builder.skip(f"message/{role}", "unknown role")
    else:
        handle(builder)
    return builder.parsed()


def _parts(builder: Builder) -> list[Fields]:
    content = builder.message.get("content", rawjson.ABSENT)
    if text_of(content):
        return [{"type": msgspec.Raw(b'"text"'), "text": content}]
    return [fields_of(part) for part in items_of(content)]


def _said(parts: list[Fields]) -> str:
    return "\n".join(text_of(part.get("text")) for part in parts if text_of(part.get("type")) == "text")


def _parse_user(builder: Builder) -> None:
    """Handles what a person typed, results of calls, or what the client tells the model."""
    parts = _parts(builder)
    attached = 0
    for number, part in enumerate(parts):
        kind = text_of(part.get("type"))
        attached += kind in _ATTACHED
        if kind == "tool_result":
            parse_result(builder, part, f"result{number}")
        elif kind not in ("text", *_QUIET):
            builder.skip(f"user/{kind}", "unknown part")
    text = _said(parts)
    if builder.context.subagent_id is not None:
        if text.strip():
            builder.add(UserPrompt(text=text.strip(), actor="model"), "prompt")
        return
    _add_prompt(builder, text, attached)


def _add_prompt(builder: Builder, text: str, attached: int = 0) -> None:
    typed = _TYPED.search(text)
    if typed is None:
        return
    text = _NOTICE.sub("", typed[1])
    command = _COMMAND.search(text)
    text = _COMMAND.sub("", text).strip()
    slash = f"/{command[1]}" if command is not None else None
    if not (text or slash or attached):
        return
    if not builder.context.prompted:
        # The first one is known from the manifest before its message has an id.
        builder.ident = builder.context.session
        builder.change(prompted=True)
    builder.add(UserPrompt(text=text, command=slash, attachments=attached), "prompt")


def _parse_assistant(builder: Builder) -> None:
    """Handles an answer to one request, or why there was none."""
    _count_tokens(builder)
    parts = _parts(builder)
    text = _said(parts)
    if text_of(fields_of(builder.message.get("metadata")).get("displayRole")) == "error":
        end = failed_turn(text, builder.at_ms, limited=names_limit(text))
        builder.add(TurnEnd(reason="interrupted") if _GONE in text else end, "end")
        return
    calls = [part for part in parts if text_of(part.get("type")) == "tool_use"]
    if text.strip():
        builder.add(AssistantMessage(text=text, final=not calls), "text")
    for number, call in enumerate(calls):
        parse_call(builder, call, f"call{number}")
    for kind in (text_of(part.get("type")) for part in parts):
        if kind not in ("text", "tool_use", *_QUIET):
            builder.skip(f"assistant/{kind}", "unknown part")


def _count_tokens(builder: Builder) -> None:
    """Notes what the request took; one that failed has no `metrics` (3.0.57, 3.0.65)."""
    used_model = text_of(fields_of(builder.message.get("modelInfo")).get("id"))
    numbers = numbers_in(fields_of(builder.message.get("metrics")))
    builder.count_tokens(builder.ident, session=builder.context.session, model=used_model, **numbers)


def _parse_summary(builder: Builder) -> None:
    text = without_handoff(text_of(builder.message.get("text"))).strip()
    if text:
        builder.add(AgentSummary(text=text, source="compaction"), "summary")


def _events_of(context: Context, state: State) -> tuple[Event, ...]:
    """Returns what is true of a session as a whole: facts, and its prompt as long as nothing follows it."""
    builder = Builder(context=context, at_ms=context.last_ms, ident=context.session, message={})
    if state.info != SessionInfo():
        builder.add(state.info, "info")
    if state.prompt:
        text = state.prompt if _TYPED.search(state.prompt) else f'<user_input mode="">{state.prompt}</user_input>'
        _add_prompt(builder, text)
    return tuple(builder.events)


_ROLES: Final[dict[str, Callable[[Builder], None]]] = {
    "user": _parse_user,
    "assistant": _parse_assistant,
    "summary": _parse_summary,
}
