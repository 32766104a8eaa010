"""What is remembered of one thread (a session's main conversation, or one of its sub-agents) as its events arrive.

Every list is bounded (its newest entries stay), so folding an event and making a handoff cost the same in turn 3 and in
turn 10,000. Texts are excerpts; the ledger holds them whole.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from carryover.distill.language.prose import Quote
from carryover.distill.language.report import Report
from carryover.distill.testruns.run import TestRun
from carryover.distill.work.state import WorkState
from carryover.model import PlanItem

FOLD_VERSION = 8
"""Raised whenever `fold` would make another digest of the same events; stored digests of an older one are rebuilt."""

MOST_TURNS: Final = 10
"""Turns kept one by one; what older ones come to is in `before`."""
# More than a handoff shows, so that what is mended, answered or done in between leaves enough.
MAX_EDITED_FILES: Final = 40
MOST_RUNS: Final = 12
MOST_FAILURES: Final = 16
MOST_QUESTIONS: Final = 12
MOST_PENDING: Final = 20

TurnEnding = Literal["", "answered", "interrupted", "error", "limit"]
"""How a turn ended; empty while it runs, which a killed agent leaves it for good."""


class Prompt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person typed, without what was pasted beside it."""

    text: str = ""
    words: float = 0
    names: tuple[str, ...] = ()
    asks: bool = False
    """Its last sentence is a question."""
    command: str | None = None
    """Slash command the words were given to."""
    pasted: str = ""
    """The line that says most of what was pasted with it."""


class Turn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A prompt, and what the agent did and said until the next one."""

    session: str
    number: int
    """Of the prompt, counted from 1 in its session."""
    at_ms: int
    last_ms: int
    prompt: Prompt
    end: TurnEnding = ""
    looked: int = 0
    """Calls that only read, searched or listed."""
    chores: int = 0
    """Calls of git, tests, formatters."""
    changed: int = 0
    """Calls that edit, or run anything else."""
    edited: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    tests: Literal["pass", "fail"] | None = None
    text: str = ""
    """The newest text of the assistant, while it may be the last of the turn."""
    applied: bool = False
    """The edits that the newest text was about were made after it, as an agent does that edits by what it writes."""
    report: Report | None = None
    """What the last text said, once the turn is over."""
    doing: str = ""
    """What the assistant said last that it does, before the call that followed."""
    dead_ends: tuple[Quote, ...] = ()
    findings: tuple[Quote, ...] = ()
    loose_ends: tuple[Quote, ...] = ()
    rules: tuple[Quote, ...] = ()
    """What the user decided in the prompt, on refusing a call, or in answer to a tool's question."""
    in_flight: str = ""
    """The call that had no result when the turn was cut off."""
    accepted_plan: str = ""
    """Heading of the plan that the user accepted in this turn."""


class AwaySummary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The recap that a client wrote while the user was away. `at_ms` is in UTC milliseconds."""

    text: str
    at_ms: int


class EditedFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that was changed, by its newest edit."""

    path: str
    change: Literal["add", "modify", "delete", "rename"]
    at_ms: int
    edits: int = 1
    temporary: bool = False
    """Deleted again by the turn that wrote it, or by the session that created it."""
    line: int | None = None
    anchor: str | None = None


class SeenRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A test run and when it ended."""

    run: TestRun
    at_ms: int
    command: str
    turn: int = 0
    session: str = ""


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that was tried and did not work. `mended` once the same thing succeeded later."""

    tried: str
    why: str
    at_ms: int
    signature: str
    turn: int = 0
    times: int = 1
    mended: bool = False
    detours: int = 0
    """How many other tries at the same file failed before it worked."""
    undone: bool = False
    """The user took it back, rather than a tool failing."""
    remark: str = ""
    """What the assistant said right after."""
    task_id: str = ""
    """Of a background job."""
    program: str = ""
    """What the command runs, where that identifies tries at the same thing."""


class OpenQuestion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A question put by a tool that has no answer yet."""

    text: str
    at_ms: int
    call_id: str
    options: tuple[str, ...] = ()
    turn: int = 0


class Pending(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call, job or queued prompt without its end."""

    id: str
    text: str
    at_ms: int
    turn: int = 0
    edits: bool = False
    """A call that changes the file that `text` names."""
    changes: bool = False
    """A call that does more than look."""


class Ending(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the newest turn was cut off."""

    reason: Literal["interrupted", "error", "limit"]
    message: str
    at_ms: int
    resets: str | None = None
    """With a limit: when it ends, where the agent's message says so."""


class Digest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The folded past of a thread. `Digest()` is the empty one."""

    prompts: int = 0
    before: WorkState = WorkState()
    """What the turns before `turns` came to."""
    turns: tuple[Turn, ...] = ()
    ending: Ending | None = None
    plan: tuple[PlanItem, ...] = ()
    plan_ms: int = 0
    plan_turn: int = 0
    proposal: str | None = None
    """Heading of a written plan that waits for the user's word."""
    touched: tuple[EditedFile, ...] = ()
    runs: tuple[SeenRun, ...] = ()
    failures: tuple[Failure, ...] = ()
    questions: tuple[OpenQuestion, ...] = ()
    calls: tuple[Pending, ...] = ()
    jobs: tuple[Pending, ...] = ()
    queued: tuple[Pending, ...] = ()
    away_summary: AwaySummary | None = None
    tongue: str | None = None
    """The language the user writes in."""
    last_ms: int = 0

    @property
    def turn(self) -> Turn | None:
        """The newest turn."""
        return self.turns[-1] if self.turns else None

    @property
    def worked(self) -> bool:
        """Some turn changed something."""
        return bool(self.touched or self.runs or any(turn.changed for turn in self.turns))

    @property
    def is_done(self) -> bool:
        """The newest turn has ended with an answer."""
        return self.turn is not None and self.turn.end == "answered"
