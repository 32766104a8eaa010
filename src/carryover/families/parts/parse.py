"""Turns a reader's records into events, one record at a time. Pure; never raises."""

from __future__ import annotations

import re
from typing import Final

from carryover.adapter.contract import Parsed, Record, Source
from carryover.families.parts import tools, wire
from carryover.families.parts.usage import count_tokens
from carryover.families.stored import Context, StoredBuilder, is_usable_id
from carryover.model import AgentSummary, AssistantMessage, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.lenient import Fields, fields_of, is_true, number_of, text_of
from carryover.records.resets import failed_turn, names_limit
from carryover.records.summary import kinds_of, parts_by_heading
from carryover.records.text import without_handoff

QUIET_PARTS: Final = frozenset(
    ("step-start", "step-finish", "reasoning", "snapshot", "patch", "retry", "agent", "subtask", "compaction", "file")
)
"""Parts without content for a handoff."""
SHELL_PROMPT: Final = "The following tool was executed by the user"
"""The client's text in place of a prompt when a person ran a shell command."""
ABORTED_ERROR: Final = "MessageAbortedError"
LIMIT_STATUSES: Final = (402, 429)
UNTITLED: Final = ("New session - ", "Child session - ")
"""The beginning of a session's title until a model has chosen one."""
SUMMARY_KINDS: Final = kinds_of(
    request="goal|objective",
    current="accomplished|progress|work state",
    next="next steps|next move",
    other="instructions|constraints & preferences|discoveries|key decisions|critical context|important details"
    "|relevant files / directories|relevant files",
)
"""The sections that a compaction asks for (1.2.5 and later, reported)."""
_QUOTED: Final = re.compile(r'\A"([^"]*\s[^"]*)"\s*\Z')
"""How the client's command `run` records a prompt of several words (opencode 1.1.65 to 1.18.33, Kilo 7.7.9)."""


def parse_record(_source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record. Never raises: what is not understood is counted in `skipped`."""
    read = rawjson.read(wire.RECORD, record.data)
    if isinstance(read, str):
        return context, Parsed(skipped=(rawjson.skipped(None, read, None),))
    native = read.session
    if not is_usable_id(native.id) or not is_usable_id(native.root or native.id):
        return context, Parsed(skipped=(rawjson.skipped("session", "no usable id", None),))
    builder = StoredBuilder(context=context, native=native, version=native.version)
    match read.kind:
        case "begin":
            return builder.begin(read)
        case "message":
            _parse_message(builder, read)
        case "session":
            builder.at_ms = builder.reported.last_ms
            _add_info(builder)
    return builder.finished()


def _add_info(builder: StoredBuilder, model: str = "") -> None:
    """Adds the facts about the session that are new. `model` is the one of this message."""
    native, title = builder.native, builder.native.title or ""
    untitled = title.startswith(UNTITLED)
    facts = {"title": "" if untitled else title, "agent_version": native.version, "model": model}
    builder.add_facts({**facts, "parent": native.forked_from})


def _parse_message(builder: StoredBuilder, record: wire.SessionRecord) -> None:
    message = fields_of(record.data)
    role = text_of(message.get("role"))
    if role not in ("user", "assistant"):
        builder.skip(f"message/{role}" if role else "message", "unknown role" if role else "unexpected shape")
        return
    times = fields_of(message.get("time"))
    created_ms = builder.at_ms = wire.ms_of(times.get("created")) or builder.reported.last_ms
    if not created_ms:
        builder.skip("message", "no usable time")
        return
    builder.report(last_ms=max(builder.reported.last_ms, created_ms))
    _add_info(builder, text_of(message.get("modelID")) or text_of(fields_of(message.get("model")).get("modelID")))
    if role == "user":
        _parse_prompt(builder, record)
        return
    count_tokens(builder, record.id, message)
    for entry in record.parts:
        builder.at_ms = created_ms
        _parse_part(builder, record, message, entry)
    if record.ended:
        builder.at_ms = wire.ms_of(times.get("completed")) or max(created_ms, builder.reported.last_ms)
        _parse_end(builder, record.id, fields_of(message.get("error")))


def _parse_prompt(builder: StoredBuilder, record: wire.SessionRecord) -> None:
    """Adds a person's text, without the client's additions for the model, such as the content of a named file."""
    typed: list[str] = []
    files = 0
    for entry in record.parts:
        part = fields_of(entry.data)
        kind = text_of(part.get("type"))
        if kind == "text":
            text = text_of(part.get("text"))
            if is_true(part.get("synthetic")) and text.startswith(SHELL_PROMPT):
                builder.report(shell=record.id.encode("utf-8", "replace"))
            elif not _is_added(part):
                typed.append(text)
        elif kind == "file":
            files += 1
        else:
            _skip_part(builder, kind)
    text = _QUOTED.sub(r"\1", "\n".join(typed))
    if text.strip() or (files and not typed):
        builder.add(UserPrompt(text=text, actor=builder.actor, attachments=files), f"{record.id}:prompt")


def _is_added(text: Fields) -> bool:
    return is_true(text.get("synthetic")) or is_true(text.get("ignored"))


def _skip_part(builder: StoredBuilder, kind: str) -> None:
    if kind not in QUIET_PARTS:
        builder.skip(f"part/{kind}" if kind else "part", "unknown part type" if kind else "unexpected shape")


def _parse_part(builder: StoredBuilder, record: wire.SessionRecord, message: Fields, entry: wire.PartEntry) -> None:
    part = fields_of(entry.data)
    kind = text_of(part.get("type"))
    if kind == "tool":
        _parse_call(builder, message, entry, part)
    elif kind == "text" and not _is_added(part):
        _parse_text(builder, record, message, entry.id, part)
    elif kind != "text":
        _skip_part(builder, kind)


def _parse_text(builder: StoredBuilder, record: wire.SessionRecord, message: Fields, ident: str, part: Fields) -> None:
    text = text_of(part.get("text"))
    if not text.strip():
        return
    times = fields_of(part.get("time"))
    builder.at_ms = wire.ms_of(times.get("end")) or wire.ms_of(times.get("start")) or builder.at_ms
    if is_true(message.get("summary")):
        text = without_handoff(text)
        parts = parts_by_heading(text, SUMMARY_KINDS)
        builder.add(AgentSummary(text=text, source="compaction", parts=parts), f"{ident}:summary")
        return
    aborted = text_of(fields_of(message.get("error")).get("name")) == ABORTED_ERROR
    final = True if ident == record.last_text else None
    builder.add(AssistantMessage(text=text, final=final, aborted=aborted), f"{ident}:text")


def _parse_call(builder: StoredBuilder, message: Fields, entry: wire.PartEntry, part: Fields) -> None:
    by_user = text_of(message.get("parentID")).encode("utf-8", "replace") == builder.reported.shell != b""
    found = tools.called(entry.id, part, builder.cwd, "human" if by_user else "model")
    if found is None:
        builder.skip("part/tool", "no usable name")
        return
    times = fields_of(found.state.get("time"))
    builder.at_ms = wire.ms_of(times.get("start")) or builder.at_ms
    if entry.begun:
        builder.add(found.call.as_event(), f"{entry.id}:call")
        for number, asked in enumerate(found.questions):
            builder.add(asked.as_event(found.call.id), f"{entry.id}:question{number}")
    outcome = tools.outcome_of(found) if entry.ended else None
    if outcome is None:
        if entry.ended and text_of(found.state.get("status")) not in ("pending", "running"):
            builder.skip("part/tool", "unknown status")
        return
    builder.at_ms = wire.ms_of(times.get("end")) or builder.at_ms
    builder.add(found.call.ended(outcome), f"{entry.id}:result")
    if outcome.user_words:
        builder.add(UserPrompt(text=outcome.user_words, actor=builder.actor), f"{entry.id}:feedback")
    for key, body in tools.effects_of(found) if outcome.status == "ok" else ():
        builder.add(body, f"{entry.id}:{key}")


def _parse_end(builder: StoredBuilder, ident: str, error: Fields) -> None:
    """Adds the end of a message that ended neither in an answer nor in calls."""
    name, data = text_of(error.get("name")), fields_of(error.get("data"))
    if name == ABORTED_ERROR:
        builder.add(TurnEnd(reason="interrupted"), f"{ident}:end")
    elif name:
        said = text_of(data.get("message")) or text_of(error.get("message")) or name
        is_limit = number_of(data.get("statusCode")) in LIMIT_STATUSES or names_limit(said)
        builder.add(failed_turn(said, builder.at_ms, limited=is_limit), f"{ident}:end")
