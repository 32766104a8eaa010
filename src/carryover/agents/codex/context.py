"""What must be remembered from one record to the next. Small and bounded: it is stored with the cursor."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from carryover.adapter import event_builder
from carryover.model import PlanItem

MAX_OPEN_CALLS: Final = 50
MAX_CLOSED_CALLS: Final = 200
MAX_TURNS: Final = 40
MAX_EMITTED: Final = 20
MAX_CHANGES: Final = 50
"""Of one call, while its result is awaited."""
MAX_PLAN_ITEMS: Final = 40
MAX_QUESTIONS: Final = 10


class Asked(msgspec.Struct, frozen=True):
    """A question put to the user, until it is answered."""

    id: str
    text: str


class OpenCall(event_builder.OpenCall, frozen=True, omit_defaults=True):
    """A tool call whose result has not come yet."""

    turn: str | None = None
    only_confirmed: bool = msgspec.field(default=False, name="told")
    """Of its changes those count that its output confirms. Stored under the name that 0.1.0 gave it."""
    plan: tuple[PlanItem, ...] = ()
    asked: tuple[Asked, ...] = ()
    process: str | None = None
    """The process it left running, or (`write_stdin`) the one it talks to."""
    escalated: bool = False
    """It asked to run outside the sandbox, which the user may have to allow."""


class Turn(msgspec.Struct, frozen=True, omit_defaults=True):
    """From a prompt to its answer. Clients before 0.125 name none: then `id` is None."""

    id: str | None = None
    cwd: str | None = None
    counts: dict[str, int] = {}
    """How many events of each kind it gave. That is what they are known by: migration leaves it as it is."""
    undone: bool = False
    """The user took it back."""


class EmittedFacts(msgspec.Struct, frozen=True):
    """The facts of a session as they were last emitted."""

    session: str
    facts: event_builder.Facts


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one transcript file between two records."""

    thread: str | None = None
    """Of the file itself. Another thread's first record may follow: 0.125 copies it into a fork."""
    session: str | None = None
    """The thread, or the one that a sub-agent works for."""
    subagent_id: str | None = msgspec.field(default=None, name="sidechain")
    """Stored under the name that 0.1.0 gave it, so that an update in mid-session reads on."""
    cwd: str | None = None
    """The first folder: turns in another one are another session's, since a session belongs to one project."""
    place: str | None = None
    """The folder of the next turn, where a record named it before that begins."""
    family: Literal["legacy", "paginated"] | None = None
    """Which records hold prompts and answers: the file says it, not the client's version."""
    facts: event_builder.Facts = event_builder.Facts()
    emitted: tuple[EmittedFacts, ...] = msgspec.field(default=(), name="told")
    """Stored under the name that 0.1.0 gave it."""
    made_s: int = 0
    """Epoch seconds at which the file was made."""
    copied_s: int | None = None
    """The same, while the history is being passed by that a fork or a sub-agent was given a copy of."""
    orphan: bool = False
    """The thread that it was forked from has no file, so this one's copy of its history is read."""
    own_from: int | None = None
    """Where the file says so: the ordinal of the first record after that history."""
    last_ms: int = 0
    """Time of the last record that had one: records without one take it."""
    turns: tuple[Turn, ...] = ()
    """The newest last; that is the one at work."""
    calls: tuple[OpenCall, ...] = ()
    closed: tuple[str, ...] = ()
    """Ids of calls whose result was given: a second record of it says nothing new."""
    review: bool = False
    """The client asks for a review, in its own wording."""
    resets_s: int | None = None
    """When the limit that is used up ends, in epoch seconds."""
