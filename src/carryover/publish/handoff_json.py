"""A handoff as commands print it, and the question for it that they put to the daemon. Imports nothing that makes one,
since that takes longer than the rest of the command."""

# No annotations as text (`from __future__`): before it decodes, msgspec 0.22 would compile each of them.
from typing import Final

import msgspec

FORMAT: Final = "carryover-handoff/1.1"
"""Version of the data; architecture/handoff-format.md says when it rises."""


class LineRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record that a line of a handoff comes from; None is what is not known of it."""

    kind: str
    agent: str | None
    session: str | None
    turn: int | None
    at: str | None
    at_ms: int | None


class PrintedSection(msgspec.Struct, frozen=True, kw_only=True):
    """A section that fits into the budget: its lines, without the marker of a list, and the sources of each line."""

    title: str
    lines: tuple[str, ...]
    sources: tuple[tuple[LineRecord, ...], ...]


class PrintedHandoff(msgspec.Struct, frozen=True, kw_only=True):
    """A handoff as `--json` prints it: exactly the lines of `text`, which is what agents get, each with its sources."""

    format: str = FORMAT
    project: str
    """The root of the project."""
    updated: str
    """Time of the last event that it covers."""
    updated_ms: int
    agent: str
    """The id of the agent that worked last."""
    agent_name: str
    resume_protocol: str
    session: str
    head: str | None
    sections: tuple[PrintedSection, ...]
    text: str
    notes: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    """What is to be said on standard error first; in the daemon's answer alone."""


class WantedHandoff(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The handoff that is asked for: of the project at `root`, led by `session` if that is named.

    `session` is an id, the beginning of one, or `last`. `tokens` is the budget if that is another than the file's.
    These are also the parameters of `/handoff`.
    """

    root: str
    session: str | None = None
    tokens: int | None = None
