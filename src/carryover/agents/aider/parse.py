"""Turns one block of the chat history into events."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Source
from carryover.adapter.event_builder import usable_name
from carryover.agents.aider import wire
from carryover.agents.aider.builder import Builder, mark_of
from carryover.agents.aider.commands import drop_edits, user_input
from carryover.agents.aider.context import MAX_EDITS, Context
from carryover.agents.aider.edits import read_answer
from carryover.agents.aider.messages import own_message
from carryover.model import AssistantMessage, SessionStart
from carryover.records import rawjson

_ONLY_OWN: Final = ("Aider v", "Tokens: ", "Applied edit to ")


def parse_record(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one block. Never raises: what is not understood is counted."""
    block = rawjson.read(wire.DECODER, record.data)
    if isinstance(block, str):
        return context, Parsed(skipped=(rawjson.skipped(None, block, None),))
    if block.kind not in (wire.START, wire.PROMPT, wire.MODEL, wire.MESSAGES):
        return context, Parsed(skipped=(rawjson.skipped(block.kind, "unknown kind of block", None),))
    session = usable_name(block.session or _cut_session(source, context, block))
    if session is None or not block.at_ms:
        return context, Parsed(skipped=(rawjson.skipped(block.kind, "no session header before it", None),))
    return _parsed(source, _entered(context, session), block)


def _cut_session(source: Source, context: Context, block: wire.Block) -> str:
    """The session of what is before the first header, where a copy begins in the middle; empty in a project's history.

    Any Markdown could be an answer, so it begins with what a person typed or only Aider says.
    """
    name = PurePosixPath(source.path).stem
    own = any(message.startswith(_ONLY_OWN) for message in block.messages)
    begins = block.kind == wire.PROMPT or own or context.session == name
    return name if begins and not source.group else ""


def _entered(context: Context, session: str) -> Context:
    """The context of the block's session: a new one begins with nothing but its id."""
    return context if context.session == session else Context(session=session)


def _parsed(source: Source, context: Context, block: wire.Block) -> tuple[Context, Parsed]:
    add = Builder.begin(source, context, block)
    match block.kind:
        case wire.START:
            add.next_item()
            add.add(SessionStart(reason="startup"), "start")
        case wire.PROMPT:
            add.next_input(block.text)
            user_input(add, block.text)
        case wire.MODEL:
            add.next_item(block.text)
            _answer(add, block.text)
        case _:
            _own_messages(add, block.messages)
    return add.parsed()


def _answer(add: Builder, text: str) -> None:
    """The edits that the model asks for, which count once Aider says that it applied them, and the model's words."""
    answer = read_answer(text, add.path, whole_files=add.context.whole_files)
    drop_edits(add)
    edits = []
    for number, change in enumerate(answer.changes[:MAX_EDITS], 1):
        call = add.call("edit", "edit", change.path, number=number)
        edits.append(msgspec.structs.replace(call, changes=(change,)))
        add.begin_call(call)
    if answer.prose:
        add.add(AssistantMessage(text=answer.prose, aborted=add.context.interrupted), "answer")
    add.change(edits=tuple(edits), silent=not answer.prose, answer=mark_of(text), repeated=0, new_path=(), lint=None)


def _own_messages(add: Builder, messages: tuple[str, ...]) -> None:
    for number, text in enumerate(messages):
        add.next_item(text)
        following = messages[number + 1 :]
        # The text of an error is followed by what it means in plain words.
        own_message(add, text, last=not any(message.startswith("Retrying in ") for message in following[:2]))
