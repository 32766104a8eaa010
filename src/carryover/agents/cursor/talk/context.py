"""What must be remembered between two records of a transcript or of the CLI's store. Small and bounded."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.agents.cursor.terms.todos import Todo
from carryover.model import Op
from carryover.records.changes import Change

MAX_OPEN_CALLS: Final = 100
MAX_WAITING: Final = 100
MAX_CHANGES: Final = 10
"""Of one call: what is undone later must be able to name every event it gave."""


class OpenCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tool call whose result has not come yet."""

    call_id: str
    name: str
    op: Op
    subject: str = ""
    changes: tuple[Change, ...] = ()
    questions: tuple[str, ...] = ()
    handoff: bool = False
    """It looks at Carryover's own files, whose text must not come back as something that happened here."""


class Waiting(msgspec.Struct, frozen=True, omit_defaults=True):
    """Changes of a call that will count if its turn ends well."""

    call_id: str
    changes: tuple[Change, ...]


class TalkContext(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one such source between two records."""

    cwd: str | None = None
    last_ms: int = 0
    """Time of the last record: records without one come a millisecond later."""
    timed: bool = False
    """A record said itself when it was written, so that nobody else's word on times is taken any more."""
    marks: bool = False
    """The client marks what the user typed, so a message without the mark is the client's own."""
    calls: tuple[OpenCall, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    todos: tuple[Todo, ...] = ()
    sub_agent: bool = False
    """The whole source is a sub-agent's."""
