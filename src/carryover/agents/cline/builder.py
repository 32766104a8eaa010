"""What the readers of these documents hand to the parsers, and the builder of events.

A reader emits a `Begin`, then the messages that are new, and at last a `State`, which is emitted again whenever the
document changes: what becomes of it follows the messages and is replaced with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import msgspec

from carryover.adapter.contract import Parsed, Record, Reemitted, Source
from carryover.model import AnyBody, SessionInfo
from carryover.records import rawjson
from carryover.records.lenient import Fields, fields_of, time_of
from carryover.transcript.recorder import OpenCall, Recorder, reemitted_after, usable_folder


class Begin(msgspec.Struct, frozen=True, omit_defaults=True):
    """The beginning of a document. `on`: its messages follow those emitted before; `more`: another batch follows."""

    session: str
    cwd: str | None = None
    at_ms: int = 0
    subagent_id: str | None = None
    attended: bool = True
    """Whether a person was there to answer questions."""
    on: bool = False
    more: bool = False


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is true of a whole conversation."""

    info: SessionInfo = SessionInfo()
    prompt: str = ""
    """The first prompt, as long as it is not among the messages."""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One record. Exactly one of its fields is given."""

    begin: Begin | None = None
    message: msgspec.Raw = rawjson.ABSENT
    state: State | None = None


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one document between two records."""

    session: str = ""
    cwd: str | None = None
    subagent_id: str | None = None
    attended: bool = True
    last_ms: int = 0
    """Time of the last message with a time; used for messages without one."""
    calls: tuple[OpenCall, ...] = ()
    number: int = 0
    """How many messages were read."""
    prompted: bool = False
    """Whether a prompt was read."""
    last: bytes | None = None
    """Key of the last event of a message."""


ENTRY: Final = msgspec.json.Decoder(Entry)


@dataclass(slots=True, kw_only=True)
class Builder(Recorder[Context]):
    """Records one message."""

    ident: str = ""
    """Id of the message, with which the keys of its events begin."""
    message: Fields

    @classmethod
    def of_message(cls, context: Context, raw: msgspec.Raw, name: str, *, own: bool) -> Self:
        """Begins a message whose field `name` is its id. `own`: the id is unique within the agent."""
        fields = fields_of(raw)
        at_ms = time_of(fields.get("ts")) or context.last_ms
        number = context.number + 1
        given = bytes(fields.get(name, b"")).decode("utf-8", "replace").strip('"')
        ident = given if own and given else f"{context.session}/{given or number}"
        context = msgspec.structs.replace(context, last_ms=at_ms, number=number)
        return cls(context=context, at_ms=at_ms, ident=ident, message=fields)

    def add(self, body: AnyBody, part: str) -> None:
        """Adds an event; `part` is its place in the message."""
        context = self.context
        if not (self.at_ms and context.session):
            self.skip("message", "no time" if context.session else "nothing says of which session it is")
            return
        self.append(
            f"{self.ident}:{part}",
            body,
            session=context.session,
            cwd=context.cwd,
            subagent_id=context.subagent_id,
        )

    def parsed(self) -> tuple[Context, Parsed]:
        """Returns the next context and the result of the message."""
        if self.events:
            self.change(last=self.last_key)
        return self.context, self.built()


def begun(context: Context, begin: Begin, source: Source) -> tuple[Context, Reemitted]:
    """Returns the context at the beginning of a document, and what is emitted again of its thread."""
    known = context if begin.on else Context(last_ms=begin.at_ms)
    session = begin.session or source.session or ""
    subagent_id = begin.subagent_id or source.subagent_id
    context = msgspec.structs.replace(
        known, session=session, subagent_id=subagent_id, cwd=usable_folder(begin.cwd), attended=begin.attended
    )
    after = context.last if begin.on else None
    return context, reemitted_after(after, session=session, subagent_id=subagent_id, more=begin.more)


def entry_of(record: Record) -> Entry | str:
    """Returns the record of a reader, or what is wrong with it."""
    return rawjson.read(ENTRY, record.data)
