"""What the page of `carryover ui` shows. Times are UTC ms; 0 if unknown.

Texts are data, never markup. `machine` is the other machine that recorded something; empty if this one did.
"""

from __future__ import annotations

from typing import Literal

import msgspec

LineKind = Literal["head", "title", "line"]
EntryKind = Literal["prompt", "edit", "tests", "limit", "handover", "commit", "note", "session"]
TurnState = Literal["", "open", "asked", "running", "answered", "interrupted", "error", "limit"]
"""How a turn stands: "asked" with a question or a plan open, "running" with a job in the background, else how it ended;
"open" without a recorded end, empty where there is no turn."""
TestStatus = Literal["", "pass", "fail", "unknown"]
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
    about: str = ""
    """The newest prompt that is more than a short reply, on one line."""
    state: TurnState = ""
    """That of the newest turn."""
    waits_for: str = ""
    """"you" (a question is open), "approval", "a limit", or empty if it waits for nothing that records tell of."""
    waits_since_ms: int = 0
    asks: str = ""
    sessions: int = 0
    is_paused: bool = False
    resets_ms: int = 0
    """When the usage limit that it waits for resets."""


class Projects(msgspec.Struct, frozen=True):
    """All projects that have a session, newest work first."""

    projects: tuple[Project, ...]
    startable: tuple[str, ...] = ()
    """Ids of the agents to continue in."""


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


class NamedSession(msgspec.Struct, frozen=True, kw_only=True):
    """What tells a session from all others, and where it belongs."""

    agent: str
    agent_name: str
    session: str
    title: str
    root: str
    project: int
    """The project's id; 0 if the session belongs to none of this machine."""


class SessionAnswer(NamedSession, frozen=True, kw_only=True):
    """Some turns of a session, from number `first_turn` on."""

    first_turn: int
    turns: tuple[Turn, ...]
    total_turns: int


class ListedSession(NamedSession, frozen=True, kw_only=True):
    """A session, as it appears in the list of a project or of all."""

    started_ms: int
    last_ms: int
    turns: int
    files: int
    """The number of files that its main conversation edited, as far as they are remembered."""
    tests: TestStatus = ""
    """How its newest test run ended."""


class AgentSessions(msgspec.Struct, frozen=True):
    """The number of sessions of an agent."""

    agent: str
    sessions: int


class SessionsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions, newest first. With `after`, there are others: ask again with both numbers."""

    sessions: tuple[ListedSession, ...]
    after: tuple[int, int] | None
    agents: tuple[AgentSessions, ...]
    """All agents that have a session there, whichever are shown; those with most first."""


class TestsRun(msgspec.Struct, frozen=True):
    """A run of tests: how it ended, and its command."""

    __test__ = False  # pytest takes any imported `Test…` for a test class
    status: TestStatus
    command: str


class TurnOutline(msgspec.Struct, frozen=True, kw_only=True):
    """A turn of a session by what was asked, and how much was done. Number 0 is what came before the first prompt."""

    number: int
    at_ms: int
    prompt: str = ""
    calls: int = 0
    files: int = 0
    added: int = 0
    removed: int = 0
    tests: tuple[TestsRun, ...] = ()


class FileChange(msgspec.Struct, frozen=True, kw_only=True):
    """One edit of a file. `subagent` made it; empty for the session's main conversation."""

    turn: int
    at_ms: int
    what: str
    diff: str = ""
    subagent: str = ""


class ChangedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file with its edits in one session, oldest first."""

    path: str
    added: int
    removed: int
    changes: tuple[FileChange, ...]


class OutlineAnswer(NamedSession, frozen=True, kw_only=True):
    """A session from above: its turns, and the files that it changed."""

    turns: tuple[TurnOutline, ...]
    files: tuple[ChangedFile, ...]
    is_cut: bool
    """Whether diffs were left out, because there are too many."""


class SessionOfFile(msgspec.Struct, frozen=True, kw_only=True):
    """A session that edited a file; `why` is the prompt of the newest of the `turns` that did."""

    agent: str
    agent_name: str
    session: str
    at_ms: int
    turns: tuple[int, ...]
    edits: int
    added: int
    removed: int
    why: str


class TouchedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that sessions of a project edited, with those sessions, newest first."""

    path: str
    sessions: tuple[SessionOfFile, ...]


class FilesAnswer(msgspec.Struct, frozen=True):
    """Files, those edited last first. `before_ms`: no older session was read; 0 if all were."""

    files: tuple[TouchedFile, ...]
    before_ms: int


class SearchHit(msgspec.Struct, frozen=True, kw_only=True):
    """A place where the words were found: an excerpt in three pieces, of which `words` matched."""

    project: int
    root: str
    agent: str
    session: str
    title: str = ""
    """What the session is called."""
    turn: int
    at_ms: int
    kind: str = ""
    before: str = ""
    words: str = ""
    after: str = ""
    machine: str = ""


class SearchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Hits, best first. With `more`, there are others. `note` says what was searched in place of unknown words."""

    hits: tuple[SearchHit, ...]
    more: bool
    note: str
    took_ms: int
