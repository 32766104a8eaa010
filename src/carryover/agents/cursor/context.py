"""The parser's state between records: small and bounded, since it is stored with the cursor."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.adapter import event_builder
from carryover.agents.cursor.plans import Todo

MAX_CONVERSATIONS: Final = 60
MAX_OPEN_CALLS: Final = 100
MAX_CHANGES: Final = 10
"""Most changes kept of one call."""


class OpenCall(event_builder.OpenCall, frozen=True, omit_defaults=True):
    """A tool call whose result has not come yet."""

    questions: tuple[str, ...] = ()


class TalkContext(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of a source that holds one conversation."""

    cwd: str | None = None
    last_ms: int = 0
    """Time of the last record: records without one come a millisecond later."""
    timed: bool = False
    """A record said itself when it was written, so times from elsewhere are no longer used."""
    marks: bool = False
    """The client marks what the user typed, so a message without the mark is the client's own."""
    calls: tuple[OpenCall, ...] = ()
    todos: tuple[Todo, ...] = ()


class Emitted(msgspec.Struct, frozen=True, omit_defaults=True):
    """The facts about a conversation in a database that were emitted so far."""

    last: bytes | None = None
    """Key of the last event; bytes, for in a text it might be taken for a secret."""
    last_ms: int = 0
    marks: dict[str, int] = {}
    """Fingerprint of its facts as emitted, so that only new ones are. Numbers, since a digest in letters looks like a
    secret."""
    folder: str | None = None
    """Folder that the conversation works in, if the workspace has several."""


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one source between two records."""

    talk: TalkContext = TalkContext()
    emitted: dict[str, Emitted] = msgspec.field(default_factory=dict, name="told")
    """The conversations emitted last, in databases only. Stored under the name that 0.1.0 gave it."""
