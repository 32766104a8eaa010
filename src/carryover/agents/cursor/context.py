"""The parser's state between records: small and bounded, since it is stored with the cursor."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.adapter import event_builder
from carryover.agents.cursor.tools import Todo

MAX_CONVERSATIONS: Final = 60
MAX_OPEN_CALLS: Final = 100
MAX_CHANGES: Final = 10
"""Most changes kept for one call."""


class OpenCall(event_builder.OpenCall, frozen=True, omit_defaults=True):
    """A tool call whose result has not come yet."""

    questions: tuple[str, ...] = ()


class TalkContext(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of a source that holds one conversation."""

    cwd: str | None = None
    last_ms: int = 0
    """Time of the last record; records without a time come 1 ms later."""
    timed: bool = False
    """Whether any record had its own time, so that times from elsewhere are no longer used."""
    marks: bool = False
    """Whether the client marks what the user typed, so that a message without the mark is the client's."""
    calls: tuple[OpenCall, ...] = ()
    todos: tuple[Todo, ...] = ()


class Emitted(msgspec.Struct, frozen=True, omit_defaults=True):
    """The facts about a conversation in a database that were emitted so far."""

    last: bytes | None = None
    """Key of the last event. Bytes, since text might be taken for a secret."""
    last_ms: int = 0
    marks: dict[str, int] = {}
    """Fingerprints of the emitted facts, to emit only new ones. They are numbers, since text might be taken for a
    secret."""
    folder: str | None = None
    """Folder that the conversation works in, if the workspace has several."""


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one source between two records."""

    talk: TalkContext = TalkContext()
    emitted: dict[str, Emitted] = msgspec.field(default_factory=dict, name="told")
    """The conversations emitted last, for databases only. Stored under the field's name in 0.1.0."""
