"""Turns records of an agent's log into events, one at a time. Pure; FACTS.md has the shapes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Source, ToolOutcome
from carryover.adapter.event_builder import OpenCall, closed, opened, usable_folder, usable_name
from carryover.agents.kimi_code import tools
from carryover.agents.kimi_code.builder import FACTS, MOST_TURNS, Builder, Context
from carryover.model import Actor, AgentSummary, AssistantMessage, PlanUpdate, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.asked import asked_in, plan_items
from carryover.records.changes import as_edit
from carryover.records.fields import SHORT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, inside, is_true, items_of, number_of, text_of, time_of
from carryover.records.resets import failed_turn, names_limit
from carryover.records.text import tagged, without_ansi, without_handoff

_RECORD: Final = msgspec.json.Decoder(Fields)
_LIMITS: Final = (402, 429)
_GIT: Final = re.compile(r"\A<git-context>.*?</git-context>\s*", re.DOTALL)
"""What the client puts before a sub-agent's task."""
_QUIET: Final = frozenset(
    "agent compaction config context cron event file_history full_compaction goal hook interaction llm mcp "
    "permission plan plan_mode plugin plugin_command profile prompt runtime session shell skill subagent "
    "swarm_mode task token_counting tools tower tower_mode turn usage".split()
)
"""Kinds of records, the first words of their types, of which what is not handled holds nothing for a handoff."""
_ALONE: Final = ("forked", "metadata")
"""Those whose type is one word."""


def parse_record(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record. Never raises: what is not understood is counted in `skipped`."""
    line = rawjson.read(_RECORD, record.data)
    if isinstance(line, str):
        return context, Parsed(skipped=(rawjson.skipped(None, line, None),))
    builder = Builder(context=context, source=source, line=line, at_ms=time_of(line.get("time")) or context.last_ms)
    kind = text_of(line.get("type"))
    handle = _HANDLERS.get(kind)
    if handle is not None:
        handle(builder, line)
    elif not _is_quiet(kind):
        builder.skip(kind, "unknown record type")
    return builder.parsed()


def _is_quiet(kind: str) -> bool:
    first, dot, _ = kind.partition(".")
    return first in _QUIET if dot else kind in _ALONE


def _parse_facts(builder: Builder, line: Fields) -> None:
    facts = fields_of(line.get("facts"))
    builder.at_ms = builder.context.last_ms
    builder.change(cwd=usable_folder(text_of(facts.get("cwd"))) or builder.context.cwd)
    if parent := usable_name(text_of(facts.get("forkedFrom"))):
        builder.change(forked_ms=time_of(facts.get("createdAt")))
        builder.learn(parent=parent)
    builder.learn(title=bounded(text_of(facts.get("title")), SHORT_CHARS))


def _parse_model(builder: Builder, line: Fields) -> None:
    builder.learn(model=text_of(line.get("model")))


def _parse_prompt(builder: Builder, line: Fields) -> None:
    """Handles a prompt. One of another origin than the user is a sub-agent's task, or the client's."""
    kind = text_of(inside(line.get("origin", rawjson.ABSENT), "kind"))
    if kind != "user" and builder.source.subagent_id is None:
        return
    parts = [fields_of(part) for part in items_of(line.get("input"))]
    text = "\n".join(text_of(part.get("text")) for part in parts if "text" in part)
    files = sum("text" not in part for part in parts)
    actor: Actor = "human" if builder.source.subagent_id is None else "model"
    builder.change(turns=(*builder.context.turns, ())[-MOST_TURNS:])
    if text.strip() or files:
        text = _GIT.sub("", text) if actor == "model" else text
        builder.add(UserPrompt(text=text, actor=actor, attachments=files), f"{text_of(line.get('promptId'))}/prompt")


def _parse_loop(builder: Builder, line: Fields) -> None:
    event = fields_of(line.get("event"))
    kind = text_of(event.get("type"))
    if kind in _EVENTS:
        _EVENTS[kind](builder, event)
    elif kind != "step.begin":
        builder.skip(f"loop/{kind}" if kind else "loop", "unknown event")


def _count_tokens(builder: Builder, event: Fields) -> None:
    """Handles the end of a request. `inputOther` is what is neither read from the cache nor written to it."""
    ident = usable_name(text_of(event.get("uuid")))
    usage = fields_of(event.get("usage"))
    if ident is not None:
        builder.count_tokens(
            ident,
            session=builder.origin,
            model=builder.context.facts.model,
            input=number_of(usage.get("inputOther")),
            output=number_of(usage.get("output")),
            cache_read=number_of(usage.get("inputCacheRead")),
            cache_write=number_of(usage.get("inputCacheCreation")),
        )


def _parse_text(builder: Builder, event: Fields) -> None:
    part = fields_of(event.get("part"))
    text = text_of(part.get("text"))
    if text_of(part.get("type")) == "text" and text.strip():
        builder.add(AssistantMessage(text=text), f"{text_of(event.get('uuid'))}/text")


def _parse_call(builder: Builder, event: Fields) -> None:
    ident, name = usable_name(text_of(event.get("toolCallId"))), usable_name(text_of(event.get("name")))
    if ident is None or name is None:
        builder.skip("loop/tool.call", "no usable id or name")
        return
    given = fields_of(event.get("args"))
    call = tools.called(ident, name, given, builder.context.cwd)
    builder.add(call.as_event(), f"{ident}/call")
    for number, asked in enumerate(asked_in(given.get("questions")) if call.op == "ask" else ()):
        builder.add(asked.as_event(ident), f"{ident}/question{number}")
    builder.change(calls=opened(builder.context.calls, call))


def _parse_result(builder: Builder, event: Fields) -> None:
    ident = usable_name(text_of(event.get("toolCallId")))
    if ident is None:
        builder.skip("loop/tool.result", "no usable id")
        return
    unknown = OpenCall(id=ident, name="?", op="other")
    call = next((call for call in builder.context.calls if call.id == ident), unknown)
    builder.change(calls=closed(builder.context.calls, ident))
    result = fields_of(event.get("result"))
    output = without_ansi(rawjson.text_of(result.get("output", rawjson.ABSENT)) or "")
    outcome = tools.outcome_of(call, output, failed=is_true(result.get("isError")))
    builder.add(call.ended(outcome), f"{ident}/result")
    for number, change in enumerate(call.changes if outcome.status == "ok" else ()):
        builder.add(as_edit(change, ident), f"{ident}/edit{number}")


def _parse_message(builder: Builder, line: Fields) -> None:
    """Handles a command that the user typed after `!`; all other messages have records of their own."""
    message = fields_of(line.get("message"))
    origin = fields_of(message.get("origin"))
    if text_of(origin.get("kind")) != "shell_command":
        return
    text = rawjson.text_of(message.get("content", rawjson.ABSENT)) or ""
    # What the command printed may hold the tag too.
    command = tagged(text, "bash-input") if text.startswith("<bash-input>") else None
    call = builder.context.typed
    if command is not None:
        call = OpenCall.of_command(f"typed/{builder.at_ms}", "Bash", command.strip(), builder.context.cwd)
        call = msgspec.structs.replace(call, actor="human", changes=())
        builder.change(typed=call)
        builder.add(call.as_event(), f"{call.id}/call")
    elif call is not None:
        output = (tagged(text, "bash-stdout") or "") + (tagged(text, "bash-stderr") or "")
        status = ToolOutcome("error" if is_true(origin.get("isError")) else "ok", without_ansi(output))
        builder.change(typed=None)
        builder.add(call.ended(status), f"{call.id}/result")


def _parse_compaction(builder: Builder, line: Fields) -> None:
    if text := without_handoff(text_of(line.get("summary"))).strip():
        builder.add(AgentSummary(text=text, source="compaction"), f"compaction/{builder.at_ms}")


def _parse_undo(builder: Builder, line: Fields) -> None:
    builder.undo(number_of(line.get("turns")) or 0)


def _parse_store(builder: Builder, line: Fields) -> None:
    if text_of(line.get("key")) == "todo":
        builder.add(PlanUpdate(items=plan_items(line.get("value"), "title")), f"todo/{builder.at_ms}")


def _parse_end(builder: Builder, line: Fields) -> None:
    key = f"end/{builder.at_ms}"
    error = fields_of(line.get("error"))
    said = text_of(error.get("message"))
    if text_of(line.get("reason")) == "cancelled":
        builder.add(TurnEnd(reason="interrupted"), key)
    elif text_of(line.get("reason")) == "failed":
        limit = number_of(inside(error.get("details", rawjson.ABSENT), "statusCode")) in _LIMITS or names_limit(said)
        builder.add(failed_turn(said, builder.at_ms, limited=limit), key)


_EVENTS: Final = {
    "content.part": _parse_text,
    "step.end": _count_tokens,
    "tool.call": _parse_call,
    "tool.result": _parse_result,
}
_HANDLERS: Final[dict[str, Callable[[Builder, Fields], None]]] = {
    FACTS: _parse_facts,
    "context.append_loop_event": _parse_loop,
    "context.append_message": _parse_message,
    "context.apply_compaction": _parse_compaction,
    "context.undone": _parse_undo,
    "llm.request": _parse_model,
    "tools.update_store": _parse_store,
    "turn.ended": _parse_end,
    "turn.prompt": _parse_prompt,
    "turn.steer": _parse_prompt,
}
