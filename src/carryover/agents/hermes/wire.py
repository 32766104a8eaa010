"""The records that the reader makes of a session, and what parsing remembers between them."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from carryover.adapter.event_builder import Facts, OpenCall
from carryover.records import rawjson

SUMMARIES: Final = ("[CONTEXT COMPACTION", "[CONTEXT SUMMARY]:")
"""The beginnings of a summary, which may stand after what the summary was added to (code)."""


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was emitted of one session so far."""

    last: bytes | None = None
    """Key of the last event. Bytes, since text might be taken for a secret."""
    last_ms: int = 0
    facts: Facts = Facts()
    calls: tuple[OpenCall, ...] = ()


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of a database between two records: the sessions with the most recent ones."""

    sessions: dict[str, Told] = {}


class Session(msgspec.Struct, frozen=True, omit_defaults=True):
    """Facts about a session that each of its records repeats. `root`: the session that it works for as a sub-agent."""

    id: str
    root: str | None = None
    parent: str | None = None
    cwd: str | None = None
    title: str | None = None
    model: str | None = None
    branch: str | None = None


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message of a session, or the error of a request that failed for good (role `error`)."""

    role: str
    at_us: int
    """The time in microseconds. No two messages of a session have the same."""
    content: str = ""
    calls: msgspec.Raw = rawjson.ABSENT
    call_id: str = ""
    tool: str = ""
    finish: str = ""


class SessionRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """Announces a session's pieces, holds one of them, or tells the session's facts after them.

    `on`: the pieces follow those read before; `more`: another batch follows.
    """

    kind: Literal["begin", "entry", "session"]
    session: Session
    on: bool = False
    more: bool = False
    entry: Entry | None = None


RECORD: Final = msgspec.json.Decoder(SessionRecord)
