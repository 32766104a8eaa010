"""From the lines of an agent-transcript to events.

A line has no id, no time (but in a prompt) and no result of a tool: it is known by its number and content, comes just
after the one before, and a call ends when the model goes on. Facts: FACTS.md.
"""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.adapter.contract import Folded, Record, Source
from carryover.agents.cursor.talk.context import TalkContext
from carryover.agents.cursor.talk.talk import Talk
from carryover.agents.cursor.terms.outcomes import turn_end
from carryover.agents.cursor.transcript.lines import NOTED
from carryover.agents.cursor.transcripts import WITHOUT_FOLDER
from carryover.model import TurnEnd
from carryover.records import rawjson
from carryover.records.identity import digest

QUIET_BLOCKS: Final = frozenset(("thinking", "reasoning", "redacted_thinking", "redacted-reasoning"))
IMAGE_BLOCKS: Final = frozenset(("image", "file", "document"))
MAX_BLOCKS: Final = 500

_NOTHING: Final = Folded()


class Line(msgspec.Struct, frozen=True):
    """One line. A message has a role, everything else a type."""

    role: msgspec.Raw = rawjson.ABSENT
    type: msgspec.Raw = rawjson.ABSENT
    message: msgspec.Raw = rawjson.ABSENT
    status: msgspec.Raw = rawjson.ABSENT
    error: msgspec.Raw = rawjson.ABSENT
    noted_ms: msgspec.Raw = msgspec.field(default=rawjson.ABSENT, name=NOTED)


class Message(msgspec.Struct, frozen=True):
    content: str | list[msgspec.Raw]


class Block(msgspec.Struct, frozen=True):
    type: str
    text: str | None = None
    name: str | None = None
    input: msgspec.Raw = rawjson.ABSENT


class Fault(msgspec.Struct, frozen=True):
    """An error that is an object."""

    message: str = ""


def fold(source: Source, context: TalkContext, record: Record) -> tuple[TalkContext, Folded]:
    """Fold one line. Never raises: what is not understood is counted in `skipped`."""
    line = _read(record.data)
    if line is None:
        return context, Folded(skipped=(rawjson.skipped("?", "not a JSON object", None),))
    role, kind = rawjson.string_of(line.role), rawjson.string_of(line.type)
    if role == "system":
        return context, _NOTHING
    talk = _talk(source, context, record, line)
    if role in ("user", "assistant"):
        _fold_message(talk, role, line)
    elif kind == "turn_ended":
        _fold_end(talk, line)
    else:
        talk.skip(kind or role or "?", "unknown record type")
    return talk.folded()


def _read(data: bytes) -> Line | None:
    raw = msgspec.Raw(data)
    return rawjson.part_of(raw, Line) or rawjson.part_of(msgspec.Raw(rawjson.mend(data)), Line)


def _talk(source: Source, context: TalkContext, record: Record, line: Line) -> Talk:
    session = source.session or digest(source.path)
    content = digest(b"\0".join(bytes(part) for part in (line.role, line.type, line.message, line.status, line.error)))
    copy = f"{WITHOUT_FOLDER}/" if source.group == WITHOUT_FOLDER else ""
    return Talk(
        source=source,
        context=context,
        session=session,
        ident=f"{session}/{source.sidechain or ''}/{copy}{record.number}/{content}",
        noted_ms=rawjson.part_of(line.noted_ms, int) or 0,
        sidechain=source.sidechain,
    )


def _fold_message(talk: Talk, role: str, line: Line) -> None:
    message = rawjson.part_of(line.message, Message)
    if message is None:
        talk.skip(role, "unexpected message")
        return
    blocks = _blocks(talk, role, message.content)
    if role == "user":
        texts = [block.text for block in blocks if block.type == "text" and block.text]
        talk.prompt("\n".join(texts), sum(block.type in IMAGE_BLOCKS for block in blocks))
        return
    talk.place()
    talk.close_calls()
    for number, block in enumerate(blocks):
        if block.type == "text":
            talk.say(block.text or "", str(number))
        elif block.type == "tool_use":
            talk.call(f"{talk.ident}/{number}", block.name or "", block.input, str(number))


def _blocks(talk: Talk, role: str, content: str | list[msgspec.Raw]) -> list[Block]:
    """The blocks of a message that are understood; the others are counted."""
    if isinstance(content, str):
        return [Block(type="text", text=content)]
    known = {"text", *QUIET_BLOCKS, *IMAGE_BLOCKS, *(("tool_use",) if role == "assistant" else ())}
    blocks = []
    for raw in content[:MAX_BLOCKS]:
        block = rawjson.part_of(raw, Block)
        if block is None:
            talk.skip(role, "unexpected block")
        elif block.type not in known:
            talk.skip(f"{role}/{block.type}", "unknown block")
        else:
            blocks.append(block)
    return blocks


def _fold_end(talk: Talk, line: Line) -> None:
    status = rawjson.string_of(line.status)
    talk.place()
    talk.close_calls()
    if status in ("success", "completed"):
        talk.believe_edits()
    elif status in ("aborted", "cancelled", "interrupted"):
        talk.add(TurnEnd(reason="interrupted"), "end")
    elif status == "error":
        fault = rawjson.part_of(line.error, Fault) or Fault()
        talk.add(turn_end(rawjson.string_of(line.error) or fault.message), "end")
    else:
        talk.skip("turn_ended", "unknown status")
    talk.change(waiting=())
