"""What is known of the past: the records that `--json`, the page of `carryover ui` and the MCP server all answer with.

Times are UTC ms, 0 if unknown. `agent` is an agent's id, `agent_name` its display name with the machine that it ran on
if that is another; `machine` is that machine, None for this one. `short` is as much of a session's `id` as is unique.
Texts are data, never markup. What is UNSET was not asked for, and is in no answer.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from carryover.export.session_parts import Part
from carryover.ledger.search_text import SearchKind, Term
from carryover.ledger.usage import By, Tokens
from carryover.publish.handoff_json import PrintedHandoff
from carryover.redact import CleanText

MomentKind = Literal["session", "note", "hand-over", "prompt", "edit", "commit", "tests", "compaction", "limit"]
How = Literal["command", "edits"]
"""The session ran `git commit`, or somebody else committed edits of the session."""
TurnState = Literal["", "open", "asked", "running", "answered", "interrupted", "error", "limit"]
"""How a turn stands: "asked" with a question or a plan open, "running" with a job in the background, else how it ended;
"open" without a recorded end, empty where there is no turn."""
TestStatus = Literal["", "pass", "fail", "unknown"]


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A project, as it appears in the list."""

    id: int
    root: str
    name: str
    agent: str = ""
    """The agent that worked last; empty if only notes are known."""
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
    transcripts: int = 0
    """How many transcripts there are on disk."""
    unread: int = 0
    """How many of them wait to be read."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A session, as it appears in a list.

    >>> session = Session(id="3f2a-77", short="3f2a", agent="codex", agent_name="Codex CLI", prompts=4)
    >>> msgspec.json.encode(session)[:47]
    b'{"id":"3f2a-77","short":"3f2a","agent":"codex",'
    """

    id: str
    short: str
    agent: str
    agent_name: str
    machine: str | None = None
    agent_version: str | None = None
    model: str | None = None
    project: str | None = None
    """The root of its project."""
    project_id: int = 0
    """0 if it belongs to no project of this machine."""
    branch: str | None = None
    title: str | None = None
    """What it is called everywhere; see `title_of`."""
    task: str | None = None
    """The task as a handoff would say it."""
    prompts: int = 0
    """Prompts of the main conversation."""
    files: int = 0
    """The number of files that its main conversation edited, as far as they are remembered."""
    tests: TestStatus = ""
    """How its newest test run ended."""
    started_ms: int = 0
    last_ms: int = 0


class SessionPage(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions, newest first. With `after`, there are others: ask again with both numbers."""

    sessions: tuple[Session, ...]
    after: tuple[int, int] | None
    agents: dict[str, int]
    """How many sessions each agent has there, whichever are shown; those with most first."""


class SessionTurn(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt and all that followed until the next one. Number 0 holds what came before the first prompt."""

    number: int
    at_ms: int
    parts: tuple[Part[CleanText], ...] = ()
    prompt: str = ""
    calls: int = 0
    files: int = 0
    added: int = 0
    removed: int = 0
    tests: TestStatus = ""
    """How its last test run ended."""
    test_command: str = ""


class FileOfSession(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was edited in a session, by the `changes`, oldest first."""

    path: str
    added: int
    removed: int
    changes: tuple[Part[CleanText], ...]


class SessionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One session: some turns with what was said and done, from number `first_turn` on; or all of them from above, with
    the files that it changed."""

    session: Session
    turns: tuple[SessionTurn, ...]
    total_turns: int
    first_turn: int = 0
    files: tuple[FileOfSession, ...] = ()
    is_cut: bool = False
    """Whether diffs were left out, because there are too many."""


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a session that has what was searched."""

    id: str
    short: str
    agent: str
    agent_name: str
    machine: str | None
    project: str | None
    """The root of the session's project."""
    project_id: int
    """0 if the session belongs to no project of this machine."""
    subagent_id: str | None
    turn: int
    """The number of the turn in its session; 0 before the first prompt."""
    show: str
    """The command that shows that turn."""
    kind: SearchKind
    at_ms: int
    times: int
    """How often the session has the same text."""
    text: str
    title: str | msgspec.UnsetType = msgspec.UNSET
    """What the session is called."""
    excerpt: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    """The part of the text with most of the words, in pieces: see `excerpt_of`."""


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found, best first."""

    query: str
    project: str | None
    """The project that was searched; None for all."""
    is_recorded: bool = True
    """Whether anything is recorded of that project."""
    terms: tuple[Term, ...] = ()
    """What was searched, with the other forms of words."""
    indexed: float = 1.0
    """The share of what is recorded that can be searched yet."""
    has_all_words: bool = True
    """Whether each hit has all of the words; if not, those that have all come first."""
    corrected: dict[str, tuple[str, ...]] = {}
    """Words that nothing has, each with those that were searched in its place."""
    note: str = ""
    """What was not searched, and in what the hits differ from what was asked for, as sentences; empty if in nothing."""
    more: bool = False
    hits: tuple[Hit, ...] = ()


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the timeline."""

    at_ms: int
    agent: str
    """`note` for a text from outside."""
    agent_name: str
    session: str
    short: str | msgspec.UnsetType = msgspec.UNSET
    kind: MomentKind
    text: str
    """First line of a prompt, title or subject; tests' command; what an edit did; agent's id before a hand-over."""
    turn: int = 0
    """Number of the turn in its session; 0 before the first prompt."""
    before_name: str | None = None
    """Display name of the agent that worked before a hand-over; None for other moments."""
    commit: str | None = None
    """Id of a commit: in full, or abbreviated if git does not have it."""
    how: How | None = None
    """How a commit belongs to the session; None for other moments."""
    machine: str | None = None
    show: str | msgspec.UnsetType = msgspec.UNSET
    """The command that shows the turn."""
    diff: str | msgspec.UnsetType = msgspec.UNSET
    """The lines that an edit changed, if it was asked for edits."""


class Timeline(msgspec.Struct, frozen=True):
    """Moments of a project, newest first. With `more`, ask again before the last one's time."""

    moments: tuple[Moment, ...]
    more: bool


class ProjectHandoff(msgspec.Struct, frozen=True, kw_only=True):
    """The handoff of a project as it would be made now, as `handoff --json` has it; None if there is nothing to hand
    over."""

    handoff: PrintedHandoff | None
    path: str
    """Where it is published; empty if nothing is, for the reason in `refusal`."""
    tokens: int
    refusal: str = ""


class UsedRow(msgspec.Struct, frozen=True):
    """What was used in one day, or by one agent or model, or in one project."""

    name: str
    """The day as YYYY-MM-DD in local time, the agent's display name, the model, or the project's root."""
    tokens: Tokens


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a usage limit was used up when the agent last said so. `agent` is its display name."""

    agent: str
    agent_id: str
    name: str
    at_ms: int
    used_percent: float
    minutes: int | None
    resets_ms: int | None


class Uncounted(msgspec.Struct, frozen=True):
    """Sessions of an agent, by its display name, whose tokens are not in the sums."""

    agent: str
    number: int


class Used(msgspec.Struct, frozen=True):
    """The tokens since a moment."""

    since_ms: int
    by: By
    rows: tuple[UsedRow, ...]
    total: UsedRow
    windows: tuple[Window, ...]
    without_tokens: tuple[Uncounted, ...] = ()
    """Sessions with answers for which no tokens are recorded."""
    project: str | None = None
    """The root of the project whose tokens these are; None if they are those of all."""
