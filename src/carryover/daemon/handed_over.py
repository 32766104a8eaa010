"""A handoff as commands print it, and the question for it that they put to the daemon. Imports nothing that makes one,
since that takes longer than the rest of the command."""

from __future__ import annotations

import msgspec

from carryover.errors import ExitCode


class Origin(msgspec.Struct, frozen=True):
    """A record that a line of a handoff comes from. `at_ms` is 0 if the time is unknown."""

    kind: str
    agent: str
    session: str
    turn: int | None
    at_ms: int


class Line(msgspec.Struct, frozen=True):
    """A line as the handoff has it."""

    text: str
    kind: str
    origins: tuple[Origin, ...]


class Section(msgspec.Struct, frozen=True):
    """A section that fits into the handoff's budget."""

    title: str
    lines: tuple[Line, ...]


class HandedOver(msgspec.Struct, frozen=True, kw_only=True):
    """The handoff of the project at `root`; `text` is what agents get."""

    root: str
    updated_ms: int
    """Time of the last event that it covers."""
    agent_id: str
    agent: str
    """The display name."""
    resume: str
    session: str
    head: str | None
    sections: tuple[Section, ...]
    text: str


class Wanted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The handoff that is asked for: of the project at `root`, led by `session` if that is named.

    `session` is an id, the beginning of one, or `last`. `tokens` is the budget if that is another than the file's.
    These are also the parameters of `/handoff`.
    """

    root: str
    session: str | None = None
    tokens: int | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The daemon's answer: a handoff, or why there is none. Without either, the command has to look for itself."""

    made: HandedOver | None = None
    notes: tuple[str, ...] = ()
    """What is to be said on standard error first."""
    error: tuple[str, ExitCode] | None = None
