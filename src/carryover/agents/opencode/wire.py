"""What opencode stores, as far as we rely on it, and the records that the readers make of it.

Every field may be missing or have another type. Versions in which each was seen: FACTS.md.
"""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.records import rawjson
from carryover.records.lenient import read_as


class Session(msgspec.Struct, frozen=True, omit_defaults=True):
    """A session, as far as each of its records repeats it."""

    id: str
    root: str | None = None
    """The session that this one works for as a sub-agent."""
    forked_from: str | None = None
    directory: str | None = None
    title: str | None = None
    version: str | None = None


class BeginRecord(msgspec.Struct, frozen=True, tag_field="kind", tag="begin"):
    """A session's pieces follow. `on`: they come after those read before; `more`: they are not all."""

    session: Session
    on: bool
    more: bool


class PartEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of a message. `begun`: its call is new; `ended`: what it says is final."""

    id: str
    data: msgspec.Raw
    begun: bool = False
    ended: bool = False


class MessageRecord(msgspec.Struct, frozen=True, tag_field="kind", tag="message", omit_defaults=True):
    """A message with some of its parts."""

    session: Session
    id: str
    data: msgspec.Raw
    parts: tuple[PartEntry, ...] = ()
    last_text: str = ""
    """Id of the text with which the message ends; empty where it ends otherwise."""
    ended: bool = False
    """Its end is new: nothing more of it will come."""


class SessionRecord(msgspec.Struct, frozen=True, tag_field="kind", tag="session"):
    """What is known of the session as a whole, after all its pieces."""

    session: Session


AnyRecord = BeginRecord | MessageRecord | SessionRecord

RECORD: Final = msgspec.json.Decoder(AnyRecord)


def encoded(record: AnyRecord) -> bytes:
    """The record as a reader hands it to the parser."""
    return msgspec.json.encode(record)


class Times(msgspec.Struct, frozen=True):
    """Milliseconds since the epoch, each of any type."""

    created: msgspec.Raw = rawjson.ABSENT
    updated: msgspec.Raw = rawjson.ABSENT
    completed: msgspec.Raw = rawjson.ABSENT
    start: msgspec.Raw = rawjson.ABSENT
    end: msgspec.Raw = rawjson.ABSENT


class Message(msgspec.Struct, frozen=True):
    """A message, of the user or of the model."""

    role: msgspec.Raw = rawjson.ABSENT
    time: msgspec.Raw = rawjson.ABSENT
    parent: msgspec.Raw = msgspec.field(default=rawjson.ABSENT, name="parentID")
    model_id: msgspec.Raw = msgspec.field(default=rawjson.ABSENT, name="modelID")
    model: msgspec.Raw = rawjson.ABSENT
    finish: msgspec.Raw = rawjson.ABSENT
    error: msgspec.Raw = rawjson.ABSENT
    summary: msgspec.Raw = rawjson.ABSENT
    """True in the message that sums up a compacted conversation; something else in others."""


class Part(msgspec.Struct, frozen=True):
    """A part of a message."""

    type: msgspec.Raw = rawjson.ABSENT
    text: msgspec.Raw = rawjson.ABSENT
    time: msgspec.Raw = rawjson.ABSENT
    synthetic: msgspec.Raw = rawjson.ABSENT
    ignored: msgspec.Raw = rawjson.ABSENT
    auto: msgspec.Raw = rawjson.ABSENT
    tool: msgspec.Raw = rawjson.ABSENT
    call_id: msgspec.Raw = msgspec.field(default=rawjson.ABSENT, name="callID")
    state: msgspec.Raw = rawjson.ABSENT


class State(msgspec.Struct, frozen=True):
    """How far a tool call is, and what came of it."""

    status: msgspec.Raw = rawjson.ABSENT
    input: msgspec.Raw = rawjson.ABSENT
    output: msgspec.Raw = rawjson.ABSENT
    error: msgspec.Raw = rawjson.ABSENT
    metadata: msgspec.Raw = rawjson.ABSENT
    time: msgspec.Raw = rawjson.ABSENT


def times_of(raw: msgspec.Raw) -> Times:
    """The times in a field, none where it holds no object."""
    return read_as(raw, Times) or Times()


def is_usable_id(ident: str) -> bool:
    """Whether an id can be kept and be part of a file's name."""
    return 0 < len(ident) <= MAX_ID_CHARS and "/" not in ident and "\0" not in ident and not ident.startswith(".")


MAX_ID_CHARS: Final = 100
LATEST_MS: Final = 4_102_444_800_000


def ms_of(*raws: msgspec.Raw) -> int:
    """The first of these fields that holds a time, in UTC milliseconds; 0 where none does."""
    for raw in raws:
        number = rawjson.part_of(raw, float)
        if number is not None and 0 < number < LATEST_MS:
            return int(number)
    return 0
