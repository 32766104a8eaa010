"""What must be remembered from one record to the next. Small and bounded: it is stored with the cursor."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.adapter.event_builder import SessionContext

MAX_MESSAGES: Final = 100
"""How many of the newest messages can be taken back."""
MAX_CALLS: Final = 200
"""Of the messages that may still grow together."""
MAX_GROWING: Final = 5
"""Only the newest message grows; after a notice of the client it may be one before."""


class Call(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tool call that was emitted."""

    id: str
    ended: bool = False


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message that was parsed."""

    id: str
    said: bool = False
    """Its text was emitted."""
    calls: tuple[Call, ...] = ()
    """Empty where it is too old to grow."""


class Marker(msgspec.Struct, frozen=True):
    """The key of an event."""

    id: str


class Context(SessionContext, frozen=True, omit_defaults=True):
    """The state of one transcript between two records."""

    document: bool = False
    """It is a document. Its events have separate keys, since lines that take its place repeat its messages."""
    session: str | None = None
    subagent_id: str | None = None
    folder: str | None = None
    """SHA-256 of the path of the folder that the client was started in, as its header has it."""
    messages: tuple[Message, ...] = ()
    """The newest last."""
    waiting: Marker | None = None
    """The id of the prompt to which nothing has been answered yet."""
    last: Marker | None = None
    """The last event."""
