"""Lines of the handoff before it is cut to size: their text, where it comes from, and how long they stay."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal[
    "prompt",
    "queued prompt",
    "reply",
    "refusal",
    "message",
    "summary",
    "todo list",
    "plan",
    "question",
    "call",
    "job",
    "test run",
    "edit",
    "files",
    "file",
    "ending",
    "limit",
    "text from outside",
    "worktree",
    "git",
]
"""The record that a line comes from."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line, or one part of a longer quote. The lower its `weight`, the longer it stays."""

    text: str
    kind: Kind
    weight: float = 0.0
    label: str = ""
    """Speaker and time; printed before the first part that is shown."""
    part: int = 0
    """The part's position in its quote."""
    parts: int = 1
    session: str = ""
    agent: str = ""
    """The agent's id."""
    turn: int | None = None
    """The turn's number; None if it belongs to no turn."""
    at_ms: int = 0
    members: tuple[Entry, ...] = ()
    """The short lines that share this line, if it has several."""

    @property
    def shown(self) -> str:
        """The whole line, with the speaker."""
        return f"{self.label}: {self.text}" if self.label and self.text else self.label or self.text

    @property
    def sources(self) -> tuple[Entry, ...]:
        """The entries that make up the line: itself, or the short lines that share it."""
        return self.members or (self,)

    @property
    def quote(self) -> tuple[str, str, int | None, int, str]:
        """An identity that all parts of a quote share."""
        return (self.kind, self.session, self.turn, self.at_ms, self.label)


class Section(msgspec.Struct, frozen=True):
    """A section of the handoff: its heading and its lines, in printing order."""

    title: str
    entries: tuple[Entry, ...]
