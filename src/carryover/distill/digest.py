"""What is remembered of one thread (a session's main conversation, or one of its sub-agents) as its events arrive.

Every list is bounded (its newest entries stay), so folding an event and making a handoff cost the same in turn 3 and in
turn 10,000. Texts are excerpts; the ledger holds them whole.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from carryover.distill.testruns.run import TestRun
from carryover.model import PlanItem

FOLD_VERSION = 3
"""Raised whenever `fold` would make another digest of the same events; stored digests of an older one are rebuilt."""

# More than a handoff shows, so that what is mended, answered or done in between leaves enough.
MOST_TOUCHED: Final = 40
MOST_RUNS: Final = 12
MOST_FAILURES: Final = 16
MOST_QUESTIONS: Final = 12
MOST_PENDING: Final = 20

AskKind = Literal["task", "follow_up", "answer", "nudge", "aside", "command"]


class Ask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A prompt typed by a person.

    `answers` holds the offer or question of the assistant that a short answer replied to; alone it says nothing.
    """

    text: str
    kind: AskKind
    at_ms: int
    answers: str | None = None


class Turn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What has happened since the last prompt."""

    ask: Ask
    edited: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    tests: Literal["pass", "fail"] | None = None
    outcome: str = ""
    """First sentence of the newest closing text."""
    done: bool = False
    worked: bool = False
    """A tool was called."""
    last_ms: int = 0


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The newest text of the assistant, cut in the middle when long. `closing` when it ended a turn."""

    text: str
    at_ms: int
    closing: bool = False


class Touched(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that was changed, by its newest edit."""

    path: str
    change: Literal["add", "modify", "delete", "rename"]
    at_ms: int
    edits: int = 1
    line: int | None = None
    anchor: str | None = None


class SeenRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A test run and when it ended."""

    run: TestRun
    at_ms: int
    command: str


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that was tried and did not work. `mended` once the same thing succeeded later."""

    tried: str
    why: str
    at_ms: int
    signature: str
    times: int = 1
    mended: bool = False
    detours: int = 0
    """How many other tries at the same file failed before it worked."""
    undone: bool = False
    """The user took it back, rather than a tool failing."""


class OpenQuestion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A question nobody has answered. `origin` says who asked; a `loose_end` is a doubt the assistant voiced."""

    text: str
    at_ms: int
    origin: Literal["tool", "assistant", "user", "loose_end"]
    options: tuple[str, ...] = ()
    call_id: str | None = None
    prompt: int = 0
    """How many prompts the thread had had by then."""


class Pending(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call, job or queued prompt without its end."""

    id: str
    text: str
    at_ms: int
    edits: bool = False
    """A call that changes the file that `text` names."""


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
    goal: Ask | None = None
    former_goal: Ask | None = None
    latest: Ask | None = None
    """The newest prompt of any kind, where it is not the goal itself."""
    turn: Turn | None = None
    said: Said | None = None
    ending: Ending | None = None
    cut_short: Ask | None = None
    """What was asked in a turn before this one that was stopped, while no later one has finished it."""
    plan: tuple[PlanItem, ...] = ()
    plan_ms: int = 0
    proposal: str | None = None
    """Heading of a written plan that waits for the user's word."""
    touched: tuple[Touched, ...] = ()
    runs: tuple[SeenRun, ...] = ()
    failures: tuple[Failure, ...] = ()
    questions: tuple[OpenQuestion, ...] = ()
    calls: tuple[Pending, ...] = ()
    jobs: tuple[Pending, ...] = ()
    queued: tuple[Pending, ...] = ()
    away_summary: Said | None = None
    last_ms: int = 0

    @property
    def is_done(self) -> bool:
        """The newest turn has ended with an answer."""
        return self.turn is not None and self.turn.done
