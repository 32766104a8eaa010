"""The records that the readers make of a session, and what parsing remembers between them.

In the stores any field may be missing or have another type. The versions each was seen in: FACTS.md.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from carryover.records import rawjson

TABLES: Final = frozenset(("session", "message", "part"))
"""The tables that make a database one of these."""
MAX_ID_CHARS: Final = 100
LATEST_MS: Final = 4_102_444_800_000


class Reported(msgspec.Struct, frozen=True, omit_defaults=True):
    """The facts about one session that were emitted so far."""

    last: bytes | None = None
    """Key of the last event. Bytes, since text might be taken for a secret."""
    last_ms: int = 0
    emitted: dict[str, int] = {}
    """Fingerprints of the facts emitted last. Numbers, since a text that holds a secret is not stored as it is."""
    shell: bytes = b""
    """Id of the last user message with which a person ran a shell command."""


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one source between two records. `reported`: the sessions with the most recent records."""

    reported: dict[str, Reported] = {}


class Session(msgspec.Struct, frozen=True, omit_defaults=True):
    """Facts about a session that each of its records repeats. `root`: the session that it works for as a sub-agent."""

    id: str
    root: str | None = None
    forked_from: str | None = None
    directory: str | None = None
    title: str | None = None
    version: str | None = None


class PartEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of a message. `begun`: its call is new; `ended`: its content is final."""

    id: str
    data: msgspec.Raw
    begun: bool = False
    ended: bool = False


class SessionRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """Announces a session's pieces, holds a message with some of its parts, or tells the session's facts after them.

    `on`: the pieces follow those read before; `more`: another batch follows. `last_text`: id of the text that ends the
    message; empty if it ends differently. `ended`: nothing follows in the message.
    """

    kind: Literal["begin", "message", "session"]
    session: Session
    on: bool = False
    more: bool = False
    id: str = ""
    data: msgspec.Raw = rawjson.ABSENT
    parts: tuple[PartEntry, ...] = ()
    last_text: str = ""
    ended: bool = False


RECORD: Final = msgspec.json.Decoder(SessionRecord)


def is_usable_id(ident: str) -> bool:
    """Whether an id is fit to be stored and to be part of a file name."""
    return 0 < len(ident) <= MAX_ID_CHARS and "/" not in ident and "\0" not in ident and not ident.startswith(".")


def ms_of(raw: msgspec.Raw | None) -> int:
    """Returns the UTC milliseconds in a field, of whatever year; 0 if it holds no time."""
    number = rawjson.part_of(raw, float) if raw is not None else None
    return int(number) if number is not None and 0 < number < LATEST_MS else 0
