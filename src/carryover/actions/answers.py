"""What the page of `carryover ui`, and exports of all projects, show. Times are UTC ms; 0 if unknown.

Texts are data, never markup. `machine` is the other machine that recorded something; empty if this one did.
"""

from __future__ import annotations

from typing import Literal

import msgspec

LineKind = Literal["head", "title", "line"]
EntryKind = Literal["prompt", "edit", "tests", "limit", "handover", "commit", "note", "session"]
PartKind = Literal["user", "agent", "thinking", "call", "result", "edit", "note"]


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A project, as it appears in the list."""

    id: int
    root: str
    name: str
    agent: str = ""
    """The agent that worked last, by id; empty if only notes are known."""
    agent_name: str = ""
    last_ms: int = 0
    waits_for: str = ""
    """"you", "approval", "a limit", or empty if it waits for nothing that records tell of."""
    waits_since_ms: int = 0
    asks: str = ""
    sessions: int = 0
    is_paused: bool = False
    resets_ms: int = 0
    """When the usage limit that it waits for resets."""


class Projects(msgspec.Struct, frozen=True):
    """All projects that have a session, newest work first."""

    projects: tuple[Project, ...]


class LineSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where a line of a handoff comes from; without `session`, not from a conversation (git, a file, ...)."""

    kind: str
    agent: str = ""
    session: str = ""
    turn: int = 0
    at_ms: int = 0


class HandoffLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a handoff: part of the head, a section's title, or content."""

    text: str
    kind: LineKind
    sources: tuple[LineSource, ...] = ()


class HandoffAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The handoff of a project as it would be made now. Without `lines`, nothing is there to hand over."""

    path: str
    """Where it is published; empty if nothing is, for the reason in `refusal`."""
    tokens: int
    lines: tuple[HandoffLine, ...]
    refusal: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a timeline. `turn` is 0 where a turn doesn't apply."""

    at_ms: int
    kind: EntryKind
    agent: str
    session: str
    turn: int = 0
    text: str = ""
    """A prompt, title, subject or message; what an edit did; a test's command; id of the agent before a hand-over."""
    detail: str = ""
    """For tests "pass" or "fail", for a commit its id."""
    diff: str = ""
    machine: str = ""


class TimelineAnswer(msgspec.Struct, frozen=True):
    """Entries of a project's timeline, newest first. With `more`, ask again before the last one's time."""

    entries: tuple[Entry, ...]
    more: bool


class Day(msgspec.Struct, frozen=True):
    """The number of turns of each agent on a local calendar day (`2026-11-20`)."""

    day: str
    agents: dict[str, int]


class LimitReached(msgspec.Struct, frozen=True):
    """A time at which an agent reached its usage limit."""

    at_ms: int
    agent: str
    resets_ms: int = 0


class SectionTokens(msgspec.Struct, frozen=True):
    """The estimated tokens of one section of the handoff."""

    section: str
    tokens: int


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What the pictures of a project are drawn from; `days` and `limits` oldest first."""

    days: tuple[Day, ...]
    limits: tuple[LimitReached, ...]
    handoff_tokens: tuple[SectionTokens, ...]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Something said or done in a turn. `name` is a tool, file or speaker's heading; `diff` belongs to an edit."""

    kind: PartKind
    text: str = ""
    name: str = ""
    diff: str = ""
    is_error: bool = False


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt and all that followed until the next one. Number 0 holds what came before the first prompt."""

    number: int
    at_ms: int
    parts: tuple[Part, ...]


class SessionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Some turns of a session, from number `first_turn` on."""

    agent: str
    agent_name: str
    session: str
    title: str
    root: str
    project: int
    """The project's id; 0 if the session belongs to none of this machine."""
    first_turn: int
    turns: tuple[Turn, ...]
    total_turns: int


class SearchHit(msgspec.Struct, frozen=True, kw_only=True):
    """A place where the words were found: an excerpt in three pieces, of which `words` matched."""

    project: int
    root: str
    agent: str
    session: str
    turn: int
    at_ms: int
    kind: str = ""
    before: str = ""
    words: str = ""
    after: str = ""
    machine: str = ""


class SearchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Hits, best first. With `more`, there are others."""

    hits: tuple[SearchHit, ...]
    more: bool
    took_ms: int
