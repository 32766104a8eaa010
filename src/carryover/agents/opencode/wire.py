"""The structure of opencode's stores, as far as we rely on it, and the records that the readers make.

Any field may be missing or have another type. The versions each was seen in: FACTS.md.
"""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.records import rawjson

MAX_SESSIONS: Final = 60
MAX_CHANGES: Final = 20
"""Most changes of one call."""


class Reported(msgspec.Struct, frozen=True, omit_defaults=True):
    """The facts about one session that were emitted so far."""

    last: bytes | None = None
    """Key of the last event. Bytes, since text might be taken for a secret."""
    last_ms: int = 0
    facts: int = 0
    """Fingerprint of the facts emitted last. A number, since text might be taken for a secret."""
    model: int = 0
    """Fingerprint of the model emitted last."""
    shell: bytes = b""
    """Id of the last user message with which a person ran a shell command."""
    compacted_by: bytes = b""
    """`auto` or `manual`, once a compaction was requested."""


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one source between two records."""

    reported: dict[str, Reported] = {}
    """The sessions with the most recent records."""


class Session(msgspec.Struct, frozen=True, omit_defaults=True):
    """Facts about a session that each of its records repeats."""

    id: str
    root: str | None = None
    """The session that this one works for as a sub-agent."""
    forked_from: str | None = None
    directory: str | None = None
    title: str | None = None
    version: str | None = None


class BeginRecord(msgspec.Struct, frozen=True, tag_field="kind", tag="begin"):
    """Announces a session's pieces. `on`: they follow those read before; `more`: another batch follows."""

    session: Session
    on: bool
    more: bool


class PartEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of a message. `begun`: its call is new; `ended`: its content is final."""

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
    """Id of the text that ends the message; empty if it ends differently."""
    ended: bool = False
    """Whether the message's end is new: nothing follows in it."""


class SessionRecord(msgspec.Struct, frozen=True, tag_field="kind", tag="session"):
    """Facts about the session as a whole, after all its pieces."""

    session: Session


AnyRecord = BeginRecord | MessageRecord | SessionRecord

RECORD: Final = msgspec.json.Decoder(AnyRecord)


def is_usable_id(ident: str) -> bool:
    """Whether an id is fit to be stored and to be part of a file name."""
    return 0 < len(ident) <= MAX_ID_CHARS and "/" not in ident and "\0" not in ident and not ident.startswith(".")


MAX_ID_CHARS: Final = 100
MOST_PARENTS: Final = 10
"""Most levels of parents above a sub-agent."""
LATEST_MS: Final = 4_102_444_800_000


def ms_of(raw: msgspec.Raw | None) -> int:
    """Returns the UTC milliseconds in a field, of whatever year; 0 if it holds no time."""
    number = rawjson.part_of(raw, float) if raw is not None else None
    return int(number) if number is not None and 0 < number < LATEST_MS else 0
