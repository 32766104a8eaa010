"""Prompts, answers and notices: who wrote the text of a message. FACTS.md has the shapes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.agents.gemini_cli import wire
from carryover.agents.gemini_cli.builder import Builder, Marker, Message, usable_id
from carryover.agents.gemini_cli.tools import SHELL, SUMMARY_KINDS, shell_call
from carryover.model import AgentSummary, AssistantMessage, Retracted, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.resets import failed_turn, names_limit
from carryover.records.summary import parts_by_tag
from carryover.records.text import HANDOFF_HEAD, tagged, without_ansi, without_handoff

_CONTEXT: Final = "session_context"
_HOOK: Final = "hook_context"
_SNAPSHOT: Final = "state_snapshot"
_SYSTEM: Final = ("System: ", "[System: ")
"""The beginnings of the client's own prompts to the model: from its loop detector, and after an empty answer (0.61)."""
_GO_ON: Final = frozenset(("Please continue.",))
"""Prompt that the client sends if the model stopped midway (0.26 to 0.61)."""
_REFERENCED: Final = re.compile(r"\n?--- Content from referenced files ---\n?")
"""Precedes the files after a prompt with `@file`."""
_SHELL_MODE: Final = re.compile(
    r"I ran the following shell command:\n```sh\n(.*?)\n```\n\n"
    r"This produced the following (?:result|output):\n```\n(.*?)\n?```\s*\Z",
    re.DOTALL,
)
"""The user's own `!command`, as the client reports it to the model."""
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


def parse_user(builder: Builder, message: Message, line: wire.Line) -> Message:
    """Handles a `user` message: what a person typed, or what the client sent in that role."""
    parts = parts_of(line.content)
    if parts is None:
        builder.skip("user", "unexpected content")
        return message
    text, attachments = _text(parts), sum(part.inline_data != rawjson.ABSENT for part in parts)
    if text.startswith(f"<{_CONTEXT}>"):
        learn_folders(builder, text)
        text = text.partition(f"</{_CONTEXT}>")[2].strip()
    if typed := _text(parts_of(line.display) or ()):
        text = typed
    if ran := _SHELL_MODE.match(text):
        _parse_shell_mode(builder, message.id, ran[1], ran[2])
        return msgspec.structs.replace(message, said=True)
    text = _typed(text)
    if message.said or not (text or attachments):
        return message
    actor: Literal["human", "model"] = "human" if builder.subagent_id is None else "model"
    builder.add(f"{message.id}/prompt", UserPrompt(text=text, actor=actor, attachments=attachments))
    builder.change(waiting=Marker(message.id))
    return msgspec.structs.replace(message, said=True)


def parse_answer(builder: Builder, message: Message, line: wire.Line, *, called: bool) -> Message:
    """Handles the text of a `gemini` message.

    Calls in the message show that its turn continues; nothing records that a turn has ended.
    """
    parts = parts_of(line.content)
    if parts is None:
        builder.skip("gemini", "unexpected content")
        return message
    builder.change(waiting=None)
    text = _text(parts)
    if message.said or not text.strip():
        return message
    builder.add(f"{message.id}/text", AssistantMessage(text=text, final=False if called else None))
    return msgspec.structs.replace(message, said=True)


def parse_info(builder: Builder, message: Message, line: wire.Line) -> Message:
    """Handles an `info` message. Only the notice that the user stopped the turn matters."""
    if not message.said and _text(parts_of(line.content) or ()).strip() == _CANCELLED:
        builder.add(f"{message.id}/end", TurnEnd(reason="interrupted"))
        builder.change(waiting=None)
    return msgspec.structs.replace(message, said=True)


def parse_error(builder: Builder, message: Message, line: wire.Line) -> Message:
    """Handles an `error` message. An API error ends the turn; other errors concern a command of the client."""
    text = _text(parts_of(line.content) or ()).strip()
    limited = names_limit(text)
    if not message.said and (limited or text.startswith(_API_ERROR)):
        builder.add(f"{message.id}/end", failed_turn(text, builder.at_ms, limited=limited))
        builder.change(waiting=None)
    return msgspec.structs.replace(message, said=True)


def parse_list(builder: Builder, raw: msgspec.Raw) -> None:
    """Handles `$set.messages`: the list that the model is sent from now on. Only the client's additions to it are new.

    It comes at the start, after a compaction or a resume, and after a turn that failed or was stopped, whose prompt it
    leaves out (0.44 to 0.61). Such a prompt still counts.
    """
    messages = rawjson.part_of(raw, list[wire.Line])
    if messages is None:
        builder.skip("$set/messages", "unexpected shape")
        return
    texts = [_text(parts_of(message.content) or ()) for message in messages]
    for number, (message, text) in enumerate(zip(messages, texts, strict=True)):
        ident = usable_id(message.id)
        if rawjson.string_of(message.type) != "user" or ident is None:
            continue
        if text.startswith(f"<{_CONTEXT}>"):
            learn_folders(builder, text)
        elif any(known.id == ident for known in builder.context.messages):
            continue
        elif texts[number + 1 : number + 2] == [_THANKS]:
            _parse_summary(builder, ident, message, text)
        elif ran := _SHELL_MODE.match(text):
            builder.at(message.timestamp)
            _parse_shell_mode(builder, ident, ran[1], ran[2])
            builder.keep(Message(id=ident, said=True))
    waiting = builder.context.waiting
    if waiting is not None and all(usable_id(message.id) != waiting.id for message in messages):
        # In `-p` nothing else shows that the turn failed; in a terminal the client's notice follows.
        builder.at_ms = builder.context.last_ms
        builder.add(f"{waiting.id}/failed", TurnEnd(reason="error"))
        builder.change(waiting=None)


def parse_rewind(builder: Builder, ident: str) -> None:
    """Handles `$rewindTo`: the user took back that message and all after it.

    File changes stay, since the client asks about them separately. If the client doesn't know the message, for example
    because it is too old, it forgets the whole conversation.
    """
    idents = [message.id for message in builder.context.messages]
    at = idents.index(ident) if ident in idents else 0
    keys = [f"{gone}/{part}" for gone in idents[at:] for part in ("prompt", "text", "end")]
    builder.at_ms = builder.context.last_ms
    if keys:
        builder.add(f"{ident}/rewound/{idents[-1]}", Retracted(keys=tuple(keys)))
    builder.change(messages=builder.context.messages[:at], waiting=None)


def learn_folders(builder: Builder, text: str) -> None:
    """Remembers the start folder if the text is the client's message that names it."""
    listed = (tagged(text, _CONTEXT) or "").partition("**Workspace Directories:**")[2]
    builder.settle(found[1].strip() for found in _WORKSPACE.finditer(listed.partition("\n- **")[0]))


def parts_of(raw: msgspec.Raw) -> list[wire.Part] | None:
    """Returns the parts of a content, which may be plain text; None if it is neither text nor a list."""
    if raw == rawjson.ABSENT:
        return []
    text = rawjson.string_of(raw)
    if text is not None:
        return [wire.Part(text=raw)]
    raws = rawjson.part_of(raw, list[msgspec.Raw])
    if raws is None:
        one = rawjson.part_of(raw, wire.Part)
        return None if one is None else [one]
    parts = (rawjson.part_of(part, wire.Part) or wire.Part(text=part) for part in raws)
    return list(parts)


def _text(parts: Sequence[wire.Part]) -> str:
    shown = (part for part in parts if bytes(part.thought) != b"true")
    return "".join(text for part in shown if (text := rawjson.string_of(part.text)))


def _typed(text: str) -> str:
    """Returns the person's words in what was sent in their name; empty if there are none."""
    while text.startswith(f"<{_HOOK}>") and f"</{_HOOK}>" in text:
        text = text.partition(f"</{_HOOK}>")[2].lstrip("\n")
    text = _REFERENCED.split(_INJECTED.sub("", _AFTER.sub("", text)), maxsplit=1)[0].strip()
    is_clients = text.startswith((*_SYSTEM, f"<{_CONTEXT}>", f"<{_HOOK}>")) or text in _GO_ON
    return "" if is_clients else text


def _parse_shell_mode(builder: Builder, ident: str, command: str, output: str) -> None:
    call = shell_call(f"{ident}/shell", SHELL, command.strip(), builder.context.cwd)
    call = msgspec.structs.replace(call, actor="human", changes=())
    builder.add(f"{ident}/call", call.as_event())
    builder.add(f"{ident}/result", call.ended(ToolOutcome("unknown", without_ansi(output))))


def _parse_summary(builder: Builder, ident: str, message: wire.Line, text: str) -> None:
    summary = without_handoff(text).strip()
    builder.at(message.timestamp)
    if summary:
        parts = parts_by_tag(tagged(summary, _SNAPSHOT) or summary, SUMMARY_KINDS)
        builder.add(f"{ident}/summary", AgentSummary(text=summary, source="compaction", parts=parts))
    builder.keep(Message(id=ident, said=True))
