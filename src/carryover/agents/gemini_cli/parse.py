"""Turns transcript records into events: prompts, answers and notices, and who wrote them. FACTS.md has the shapes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from carryover.adapter.contract import Parsed, Record, Reemitted, Source
from carryover.agents.gemini_cli.builder import Begin, Builder, Context, Marker, Message, usable_id
from carryover.agents.gemini_cli.tools import parse_calls
from carryover.families.gemini_like.content import (
    REFERENCED,
    parts_of,
    shown_text,
    summary_in,
    typed_command,
)
from carryover.families.gemini_like.usage import numbers_of_short
from carryover.model import AssistantMessage, Retracted, ToolCall, ToolResult, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.lenient import Fields, fields_of, text_of
from carryover.records.resets import failed_turn, names_limit
from carryover.records.text import HANDOFF_HEAD, tagged

_RECORD: Final = msgspec.json.Decoder(Fields)
_CONTEXT: Final = "session_context"
_HOOK: Final = "hook_context"
_CLIENTS: Final = ("System: ", "[System: ", f"<{_CONTEXT}>", f"<{_HOOK}>")
"""The beginnings of the client's own prompts to the model: from its loop detector, after an empty answer (0.61)..."""
_GO_ON: Final = "Please continue."
"""Prompt that the client sends if the model stopped midway (0.26 to 0.61)."""
_INJECTED: Final = re.compile(
    rf"(?:\A|\n)\s*{re.escape(HANDOFF_HEAD)}.*?^Full history: [^\n]*$\s*", re.MULTILINE | re.DOTALL
)
"""Our own text, which 0.26 puts unmarked before the first prompt of `-p`, and after the first one since `/clear`."""
_AFTER: Final = re.compile(rf"\s*<{_HOOK}>.*?</{_HOOK}>\s*\Z", re.DOTALL)
"""Text that a prompt hook added (0.44, 0.61)."""
_WORKSPACE: Final = re.compile(r"^\s*-\s+(/[^\n]+|[A-Za-z]:[\\/][^\n]+)$", re.MULTILINE)
_API_ERROR: Final = "[API Error"
_CANCELLED: Final = "Request cancelled."
_THANKS: Final = "Got it. Thanks for the additional context!"
"""The model's reply to a summary, in the client's wording."""


def parse_record(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record of a Gemini CLI transcript. Never raises: what is not understood is counted in `skipped`."""
    line = rawjson.read(_RECORD, record.data)
    if isinstance(line, str):
        return context, Parsed(skipped=(rawjson.skipped(None, line, None),))
    builder = Builder(context=context, source=source, at_ms=context.last_ms)
    # The kind of a record follows from its members, in the order in which the client looks at them (0.61).
    reemitted = None
    if "$begin" in line:
        reemitted = _parse_begin(builder, line)
    elif (ident := usable_id(line.get("$rewindTo"))) is not None:
        _parse_rewind(builder, ident)
    elif (ident := usable_id(line.get("id"))) is not None:
        _parse_message(builder, ident, line)
    elif patch := fields_of(line.get("$set")):
        _parse_patch(builder, patch)
    elif usable_id(line.get("sessionId")) is not None:
        _parse_header(builder, line)
    else:
        builder.skip("record", "unknown record")
    return builder.parsed(reemitted)


def _parse_begin(builder: Builder, line: Fields) -> Reemitted | None:
    """Handles the reader's header. A document is emitted again from its first change on."""
    begin = rawjson.part_of(line["$begin"], Begin) or Begin()
    if begin.document and not begin.on:
        builder.context = Context(document=True)
    if begin.root is not None:
        builder.settle([begin.root])
    if usable_id(line.get("sessionId")) is not None:
        _parse_header(builder, line)
    last = builder.context.last
    if not begin.document or (begin.on and last is None):
        return None
    after = last.id if begin.on and last is not None else None
    return Reemitted(session=builder.session, subagent_id=builder.subagent_id, after=after, more=begin.more)


def _parse_header(builder: Builder, line: Fields) -> None:
    """Handles the first record. It may be repeated when a session is resumed; only the first one counts."""
    if builder.context.session is None:
        session = usable_id(line.get("sessionId"))
        subagent_id = session if text_of(line.get("kind")) == "subagent" else None
        builder.change(session=session, subagent_id=subagent_id, folder=usable_id(line.get("projectHash")))
    if not builder.context.last_ms:
        builder.at(line.get("startTime"))
    _learn(builder, line)


def _parse_patch(builder: Builder, patch: Fields) -> None:
    """Handles `$set`: facts about the session, or the list of messages that the model is sent."""
    _learn(builder, patch)
    if "messages" in patch:
        _parse_list(builder, patch["messages"])


def _learn(builder: Builder, line: Fields) -> None:
    builder.learn(title=text_of(line.get("summary")))
    builder.settle(rawjson.part_of(line.get("directories", rawjson.ABSENT), list[str]) or ())


def _parse_message(builder: Builder, ident: str, line: Fields) -> None:
    """Handles a message. It recurs under its id whenever it has grown."""
    kind = text_of(line.get("type"))
    builder.at(line.get("timestamp"))
    if (parse := _MESSAGES.get(kind)) is not None:
        builder.keep(parse(builder, builder.message(ident), line))
    elif kind != "warning":  # of the client, to the user
        builder.skip(f"message/{kind}", "unknown message type")


def _parse_user(builder: Builder, message: Message, line: Fields) -> Message:
    """Handles a `user` message: what a person typed, or what the client sent in that role."""
    parts = parts_of(line.get("content"))
    if parts is None:
        builder.skip("user", "unexpected content")
        return message
    text = shown_text(parts)
    attachments = sum("inlineData" in part for part in parts)
    if text.startswith(f"<{_CONTEXT}>"):
        _learn_folders(builder, text)
        text = text.partition(f"</{_CONTEXT}>")[2].strip()
    # What was typed, if `content` is what the client made of it.
    text = _text(line.get("displayContent")) or text
    if ran := _typed_command(builder, message.id, text):
        _add_command(builder, message.id, *ran)
        return msgspec.structs.replace(message, said=True)
    text = _typed(text)
    if message.said or not (text or attachments):
        return message
    actor: Literal["human", "model"] = "human" if builder.subagent_id is None else "model"
    builder.add(f"{message.id}/prompt", UserPrompt(text=text, actor=actor, attachments=attachments))
    builder.change(waiting=Marker(message.id))
    return msgspec.structs.replace(message, said=True)


def _parse_gemini(builder: Builder, message: Message, line: Fields) -> Message:
    """Handles a text of the model, its tool calls, or both.

    Calls in the message show that its turn continues; nothing records that a turn has ended.
    """
    model = text_of(line.get("model"))
    builder.learn(model=model)
    numbers = numbers_of_short(fields_of(line.get("tokens")))
    builder.count_tokens(message.id, session=builder.session, model=model, **numbers)
    calls = rawjson.part_of(line.get("toolCalls", rawjson.ABSENT), list[msgspec.Raw])
    if calls is None and "toolCalls" in line:
        builder.skip("gemini/toolCalls", "unexpected shape")
    parts = parts_of(line.get("content"))
    if parts is None:
        builder.skip("gemini", "unexpected content")
    else:
        builder.change(waiting=None)
    text = shown_text(parts or [])
    if text.strip() and not message.said:
        builder.add(f"{message.id}/text", AssistantMessage(text=text, final=False if calls else None))
        message = msgspec.structs.replace(message, said=True)
    return parse_calls(builder, message, calls or [])


def _parse_notice(builder: Builder, message: Message, line: Fields) -> Message:
    """Handles `info` and `error`: that the user stopped the turn, or an API error ended it.

    Others concern a command of the client.
    """
    text = _text(line.get("content")).strip()
    end = None
    if text_of(line.get("type")) == "info":
        end = TurnEnd(reason="interrupted") if text == _CANCELLED else None
    elif (limited := names_limit(text)) or text.startswith(_API_ERROR):
        end = failed_turn(text, builder.at_ms, limited=limited)
    if end is not None and not message.said:
        builder.add(f"{message.id}/end", end)
        builder.change(waiting=None)
    return msgspec.structs.replace(message, said=True)


_MESSAGES: Final[dict[str, Callable[[Builder, Message, Fields], Message]]] = {
    "user": _parse_user,
    "gemini": _parse_gemini,
    "info": _parse_notice,
    "error": _parse_notice,
}


def _parse_list(builder: Builder, raw: msgspec.Raw) -> None:
    """Handles `$set.messages`: the list that the model is sent from now on. Only the client's additions to it are new.

    It comes at the start, after a compaction or a resume, and after a turn that failed or was stopped, whose prompt it
    leaves out (0.44 to 0.61). Such a prompt still counts.
    """
    messages = rawjson.part_of(raw, list[Fields])
    if messages is None:
        builder.skip("$set/messages", "unexpected shape")
        return
    known = {message.id for message in builder.context.messages}
    texts = [_text(message.get("content")) for message in messages]
    for message, text, following in zip(messages, texts, [*texts[1:], ""], strict=False):
        ident = usable_id(message.get("id"))
        if text_of(message.get("type")) != "user" or ident is None:
            continue
        if text.startswith(f"<{_CONTEXT}>"):
            _learn_folders(builder, text)
            continue
        ran = _typed_command(builder, ident, text)
        if ident in known or not (ran or following == _THANKS):
            continue
        builder.at(message.get("timestamp"))
        if following == _THANKS:
            _parse_summary(builder, ident, text)
        elif ran:
            _add_command(builder, ident, *ran)
        builder.keep(Message(id=ident, said=True))
    waiting = builder.context.waiting
    if waiting is not None and all(usable_id(message.get("id")) != waiting.id for message in messages):
        # In `-p` nothing else shows that the turn failed; in a terminal the client's notice follows.
        builder.at_ms = builder.context.last_ms
        builder.add(f"{waiting.id}/failed", TurnEnd(reason="error"))
        builder.change(waiting=None)


def _parse_rewind(builder: Builder, ident: str) -> None:
    """Handles `$rewindTo`: the user retracted that message and all after it.

    File changes stay, since the client asks about them separately. If the client doesn't know the message, for example
    because it is too old, it forgets the whole conversation.
    """
    idents = [message.id for message in builder.context.messages]
    at = idents.index(ident) if ident in idents else 0
    keys = [f"{gone}/{part}" for gone in idents[at:] for part in ("prompt", "text", "end")]
    if keys:
        builder.add(f"{ident}/rewound/{idents[-1]}", Retracted(keys=tuple(keys)))
    builder.change(messages=builder.context.messages[:at], waiting=None)


def _learn_folders(builder: Builder, text: str) -> None:
    """Remembers the start folder that the client's message to the model names."""
    listed = (tagged(text, _CONTEXT) or "").partition("**Workspace Directories:**")[2]
    builder.settle(found[1].strip() for found in _WORKSPACE.finditer(listed.partition("\n- **")[0]))


def _text(raw: msgspec.Raw | None) -> str:
    return shown_text(parts_of(raw) or [])


def _typed(text: str) -> str:
    """Returns the person's words in what was sent in their name; empty if there are none."""
    while text.startswith(f"<{_HOOK}>") and f"</{_HOOK}>" in text:
        text = text.partition(f"</{_HOOK}>")[2].lstrip("\n")
    text = REFERENCED.split(_INJECTED.sub("", _AFTER.sub("", text)), maxsplit=1)[0].strip()
    return "" if text.startswith(_CLIENTS) or text == _GO_ON else text


def _typed_command(builder: Builder, ident: str, text: str) -> tuple[ToolCall, ToolResult] | None:
    return typed_command(text, f"{ident}/shell", builder.context.cwd)


def _add_command(builder: Builder, ident: str, call: ToolCall, result: ToolResult) -> None:
    builder.add(f"{ident}/call", call)
    builder.add(f"{ident}/result", result)


def _parse_summary(builder: Builder, ident: str, text: str) -> None:
    summary = summary_in(text)
    if summary is not None:
        builder.add(f"{ident}/summary", summary)
