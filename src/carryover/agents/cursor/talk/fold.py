"""From the messages of a `store.db` or a `.txt` transcript to events. Facts: FACTS.md."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.adapter.contract import Folded, Record, Source
from carryover.agents.cursor.talk.context import OpenCall, TalkContext
from carryover.agents.cursor.talk.record import MAX_BLOCKS, Gone, TalkRecord
from carryover.agents.cursor.talk.talk import LATEST_MS, Talk, possible_parts
from carryover.agents.cursor.terms.outcomes import Outcome, outcome_of
from carryover.agents.cursor.terms.tools import op_of
from carryover.model import SessionInfo, Undone
from carryover.records import rawjson
from carryover.records.bounds import MAX_NAME_CHARS
from carryover.records.identity import digest

QUIET_BLOCKS: Final = frozenset(("reasoning", "redacted-reasoning", "thinking", "redacted_thinking"))
IMAGE_BLOCKS: Final = frozenset(("image", "file"))
KNOWN_BLOCKS: Final = frozenset(("text", "tool-call", "tool-result")) | IMAGE_BLOCKS
REASONS: Final = frozenset(
    (
        "encrypted",
        "missing message",
        "missing root",
        "root without messages",
        "unexpected message",
        "unexpected meta row",
        "unexpected root",
    )
)
_MAX_KEYS: Final = 2000


class Message(msgspec.Struct, frozen=True):
    role: str
    content: str | list[msgspec.Raw] | None = None


class Block(msgspec.Struct, frozen=True, rename="camel"):
    """A part of a message, as the AI SDK writes it."""

    type: str
    text: str | None = None
    tool_call_id: str | None = None
    tool_name: str | None = None
    args: msgspec.Raw = rawjson.ABSENT
    input: msgspec.Raw = rawjson.ABSENT
    result: msgspec.Raw = rawjson.ABSENT
    is_error: msgspec.Raw = rawjson.ABSENT


def fold(source: Source, context: TalkContext, record: Record) -> tuple[TalkContext, Folded]:
    """Fold one record. Never raises: what is not understood is counted in `skipped`."""
    wire = rawjson.part_of(msgspec.Raw(record.data), TalkRecord)
    if wire is None:
        return context, Folded(skipped=(rawjson.skipped("?", "unexpected record", None),))
    session = source.session or digest(source.path)
    talk = Talk(
        source=source,
        context=context,
        session=session,
        ident=f"{session}/{wire.id[:MAX_NAME_CHARS]}/{wire.occurrence}",
        noted_ms=wire.noted_ms if context.last_ms else wire.created_ms or wire.noted_ms,
        sidechain=session if context.sub_agent else None,
    )
    if wire.kind == "chat":
        _fold_chat(talk, wire)
    elif wire.kind == "message":
        _fold_message(talk, wire)
    elif wire.kind == "undone":
        _fold_undone(talk, wire.gone)
    else:
        talk.skip("conversation", wire.reason if wire.reason in REASONS else "not understood")
    return talk.folded()


def _fold_chat(talk: Talk, wire: TalkRecord) -> None:
    talk.know_folder(wire.cwd)
    talk.change(sub_agent=wire.sub_agent)
    if wire.sub_agent or not (wire.title or wire.model):
        return
    talk.at_ms = talk.context.last_ms or min(max(talk.noted_ms, 0), LATEST_MS)
    talk.ident = f"{talk.session}/info/{talk.at_ms}/{digest(f'{wire.title}/{wire.model}')}"
    talk.add(SessionInfo(title=wire.title, model=wire.model), "info")


def _fold_message(talk: Talk, wire: TalkRecord) -> None:
    message = rawjson.part_of(wire.data, Message)
    if message is None:
        talk.skip("message", "unexpected shape")
        return
    if message.role == "system":
        return
    if message.role not in ("user", "assistant", "tool"):
        talk.skip(f"message/{message.role}", "unknown role")
        return
    blocks = _blocks(talk, message)
    if message.role == "user":
        texts = [block.text for _, block in blocks if block.type == "text" and block.text]
        talk.prompt("\n".join(texts), sum(block.type in IMAGE_BLOCKS for _, block in blocks))
        return
    talk.place()
    for number, block in blocks:
        if block.type == "text":
            talk.say(block.text or "", str(number))
        elif block.type == "tool-call":
            given = block.args if block.args is not rawjson.ABSENT else block.input
            talk.call(block.tool_call_id or "", block.tool_name or "", given, str(number))
        elif block.type == "tool-result":
            _fold_result(talk, block, str(number))


def _blocks(talk: Talk, message: Message) -> list[tuple[int, Block]]:
    """The parts of a message that are understood, each with its place; the others are counted."""
    content = message.content or ""
    if isinstance(content, str):
        return [(0, Block(type="text", text=content))]
    blocks = []
    for number, raw in enumerate(content):
        block = rawjson.part_of(raw, Block)
        if block is None:
            talk.skip(f"message/{message.role}", "unexpected block")
        elif block.type in KNOWN_BLOCKS and number < MAX_BLOCKS:
            blocks.append((number, block))
        elif block.type not in QUIET_BLOCKS:
            talk.skip(f"message/{message.role}/{block.type}", "unknown block")
    return blocks


def _fold_result(talk: Talk, block: Block, part: str) -> None:
    call_id, name = block.tool_call_id or "", block.tool_name or ""
    if not call_id or len(call_id) + len(name) > MAX_NAME_CHARS:
        talk.skip("message/tool/tool-result", "no usable id")
        return
    call = next((call for call in talk.context.calls if call.call_id == call_id), None)
    call = call or OpenCall(call_id=call_id, name=name, op=op_of(name))
    outcome = outcome_of(call.op, block.result)
    if bytes(block.is_error) == b"true" and outcome.status in ("ok", "unknown"):
        outcome = Outcome("error", outcome.output, exit_code=outcome.exit_code)
    talk.result(call, outcome, part)


def _fold_undone(talk: Talk, gone: tuple[Gone, ...]) -> None:
    # Its calls stay open: one of a message that is still there may come back yet, the others go with the next prompt.
    talk.place()
    keys = [
        f"{talk.session}/{one.id}/{one.occurrence}:{part}"
        for one in gone
        for part in possible_parts(min(one.blocks, MAX_BLOCKS))
    ]
    talk.ident = f"{talk.session}/undone/{digest(msgspec.json.encode(gone))}"
    for number in range(0, len(keys), _MAX_KEYS):
        talk.add(Undone(keys=tuple(keys[number : number + _MAX_KEYS])), str(number))
