"""The state of a project's lines of work, as it is after a number of turns. Bounded and frozen."""

from __future__ import annotations

from typing import Final

import msgspec

MOST_LINES: Final = 4
MOST_RULES: Final = 14
MOST_DEAD_ENDS: Final = 8
MOST_FINDINGS: Final = 10
MOST_LOOSE_ENDS: Final = 8
MOST_FILES: Final = 30


# Rules by which an item was taken up, as `--why` names them, where a section says something of it.
ANSWERED: Final = "answer of the user"
AGREED: Final = "what the user agreed to"
QUESTION: Final = "question that was answered without any work"
PLAN_ACCEPTED: Final = "plan the user accepted"
LAST_WORDS: Final = "last words before the turn was cut off"
NO_RESULT: Final = "call without a result"
REFUTED: Final = "cause that the user refuted"
CUT_OFF: Final = "request that was cut off"


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that was said, and where: the turn of the session, and the rule that took it up."""

    text: str
    at_ms: int
    session: str
    turn: int
    rule: str
    names: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    weight: float = 0.0


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of work: a goal and what belongs to it.

    `goal` is None where a session continued something that was asked for in another, unknown one.
    """

    id: str
    goal: Item | None = None
    goal_words: float = 0.0
    goal_is_weak: bool = False
    """So few words that the next longer request takes its place."""
    former_goal: Item | None = None
    """The goal before, while it is in doubt whether this one took its place."""
    doubt: float = 0.0
    """How much spoke for the goal being new, where that is in doubt (`relation.new_goal_score`)."""
    step: Item | None = None
    """The last order, correction or consent."""
    step_waits: bool = False
    """The step was ordered and not carried out."""
    rules: tuple[Item, ...] = ()
    questions: tuple[Item, ...] = ()
    choices: tuple[str, ...] = ()
    """What the last answer listed without asking which one it shall be."""
    unanswered: Item | None = None
    """A question of the user that was cut off."""
    announced: tuple[Item, ...] = ()
    postponed: tuple[Item, ...] = ()
    """What a list announced before the user asked for something else, and what was not taken up since."""
    offers: tuple[Item, ...] = ()
    """What the assistant would do at the user's word, for as long as it may still be taken up."""
    dead_ends: tuple[Item, ...] = ()
    findings: tuple[Item, ...] = ()
    loose_ends: tuple[Item, ...] = ()
    files: tuple[str, ...] = ()
    reported: tuple[str, ...] = ()
    """Names in the last report."""
    interrupted: bool = False
    """Its last turn was stopped by the user."""
    at_ms: int = 0
    """Time of its last turn that did more than talk."""


class WorkState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All lines that still matter, the leading one first, and which of them each session is on."""

    lines: tuple[Line, ...] = ()
    sessions: dict[str, str] = {}
    """Line id by session id, the newest last."""
    resumed: tuple[str, ...] = ()
    """Sessions that so far have only said to continue: their next request opens nothing by being among the first."""

    @property
    def lead(self) -> Line | None:
        """The line that was worked on last."""
        return self.lines[0] if self.lines else None

    def line_of(self, session: str) -> Line | None:
        """The line that `session` is on, or None where it has not begun or joined one."""
        line_id = self.sessions.get(session)
        return next((line for line in self.lines if line.id == line_id), None)
