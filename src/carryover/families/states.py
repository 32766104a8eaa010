"""Sessions of which the store holds the newest state: each is read whole, and what is new is emitted.

Readers make a `State` of it, with a record for each piece (a message, a call, a result), which says by its key what
the piece is. Parsers handle pieces by that key, and get the session and the facts about it from records of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Source
from carryover.adapter.event_builder import SessionContext, reemitted_after, usable_folder
from carryover.adapter.recorder import Recorder
from carryover.model import AnyBody
from carryover.readers.rewritten import OnlyConversation
from carryover.records import rawjson
from carryover.records.fields import SHORT_CHARS, bounded, digest
from carryover.records.lenient import Fields, fields_of, text_of

_RECORD: Final = msgspec.json.Decoder(Fields)
_BEGIN: Final = "begin"
_FACTS: Final = "facts"


class Begin(msgspec.Struct, frozen=True, omit_defaults=True):
    """The session whose pieces follow. `root`: the session that it works for, if it is a sub-agent's.

    `on`: the pieces follow those read before; `more`: another batch follows.
    """

    id: str
    root: str | None = None
    cwd: str | None = None
    on: bool = False
    more: bool = False


class Context(SessionContext, frozen=True, omit_defaults=True):
    """The state of one session between two records."""

    session: str | None = None
    subagent_id: str | None = None
    last: bytes | None = None
    """Key of the last event. Bytes, since text might be taken for a secret."""


class State(OnlyConversation):
    """A session as it is now: its pieces, each with an id and a record, and the facts about it."""

    ident = "session"

    def __init__(self, begin: Begin, pieces: Sequence[tuple[str, bytes]], facts: Mapping[str, str]) -> None:
        self._begin = begin
        self._records = [record for _, record in pieces]
        self._end = msgspec.json.encode({_FACTS: facts})
        self.pieces = [(ident, digest(record)) for ident, record in pieces]

    def conversations(self) -> list[tuple[str, str]]:
        """Returns the session, with a mark of all that is known of it; nothing before its first piece."""
        return [(self.ident, f"{self._begin} {self._end!r} {self.pieces}")] if self.pieces else []

    def begin(self, *, on: bool, more: bool) -> bytes | None:
        """Returns the record of the session."""
        return msgspec.json.encode({_BEGIN: msgspec.structs.replace(self._begin, on=on, more=more)})

    def piece(self, number: int) -> bytes | None:
        """Returns the record of a piece."""
        return self._records[number]

    def end(self, emitted: int) -> bytes | None:  # noqa: ARG002
        """Returns the record of the facts about the session."""
        return self._end


@dataclass(slots=True, kw_only=True)
class Builder(Recorder[Context]):
    """Builds the events of one piece. `record` is its whole record, `ident` the id in what is below its key."""

    session: str
    record: Fields
    ident: str = ""

    def add(self, body: AnyBody, part: str) -> None:
        """Adds an event, unless no time is known. `part` is its place in what has the id."""
        if not self.at_ms:
            self.skip("piece", "no time")
            return
        key = f"{self.session}/{self.ident}:{part}"
        self.append(key, body, session=self.session, cwd=self.context.cwd, subagent_id=self.context.subagent_id)


Handlers = Mapping[str, Callable[[Builder, Fields], None]]
"""How each kind of piece is handled, by its key."""


def parse(handlers: Handlers, source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record of the reader. Never raises: what is not understood is counted in `skipped`."""
    line = rawjson.read(_RECORD, record.data)
    if isinstance(line, str):
        return context, Parsed(skipped=(rawjson.skipped(None, line, None),))
    if (begin := rawjson.part_of(line.get(_BEGIN, rawjson.ABSENT), Begin)) is not None:
        return _begun(context, begin)
    session = context.session or source.session or source.path
    builder = Builder(context=context, session=session, record=line, at_ms=context.last_ms)
    known = {**handlers, _FACTS: _learn}
    kind = next((name for name in known if name in line), None)
    if kind is None:
        builder.skip("record", "unknown record")
    else:
        piece = fields_of(line[kind])
        builder.ident = text_of(piece.get("id"))
        known[kind](builder, piece)
    if builder.events:
        builder.change(last=builder.last_key, last_ms=builder.at_ms)
    return builder.context, builder.built()


def _begun(context: Context, begin: Begin) -> tuple[Context, Parsed]:
    """Marks what is emitted again: the events after the last one, or all of them if anything before it changed."""
    session = begin.root or begin.id
    subagent_id = begin.id if begin.root is not None else None
    if not begin.on:
        context = Context(session=session, subagent_id=subagent_id)
    context = msgspec.structs.replace(context, cwd=usable_folder(begin.cwd))
    if begin.on and context.last is None:
        return context, Parsed()
    again = reemitted_after(context.last, session=session, subagent_id=subagent_id, more=begin.more)
    return context, Parsed(reemitted=again)


def _learn(builder: Builder, facts: Fields) -> None:
    """Handles the facts about the session. A sub-agent has none of its own."""
    if builder.context.subagent_id is None:
        names = ("title", "agent_version", "model", "parent")
        builder.learn(**{name: bounded(text_of(facts.get(name)), SHORT_CHARS) for name in names})
        builder.put_news_first(builder.session, builder.context.cwd)
