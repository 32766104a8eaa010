"""The true state of a dialogue, and what it requires of the handoff."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from dialogue.words import Word

_MOST_OF_A_KIND: Final = 3

CONTENT: Final = ("goal", "older goal", "step", "next", "question", "rule", "dead end", "finding")
GUARDS: Final = ("answered", "stale", "order", "paste", "light", "protocol", "lines", "source")


@dataclass(frozen=True, slots=True)
class Expectation:
    """`mark` must appear in one of `sections` (empty: anywhere); if not `present`, in none of them."""

    kind: str
    mark: str
    sections: tuple[str, ...] = ()
    present: bool = True


@dataclass(slots=True)
class Truth:
    """The state of a dialogue as a careful reader sees it. Where such a reader could go either way, nothing is required
    and nothing forbidden."""

    goal: Word | None = None
    older_goals: list[Word] = field(default_factory=list)
    step: Word | None = None
    step_waits: bool = False
    announced: Word | None = None
    announcement: str = ""
    """The sentence in which it was announced."""
    begun: bool = False
    """Work on the announced step was cut off."""
    doing: Word | None = None
    """What the agent was working on when it was cut off."""
    asked: Word | None = None
    answers: tuple[str, ...] = ()
    rules: list[Word] = field(default_factory=list)
    dead_ends: list[Word] = field(default_factory=list)
    findings: list[Word] = field(default_factory=list)

    answered: list[Word] = field(default_factory=list)
    stale: list[Word] = field(default_factory=list)
    orders: list[Word] = field(default_factory=list)
    pasted: list[Word] = field(default_factory=list)
    light: list[str] = field(default_factory=list)
    """Prompts that do not say what to do, as they were typed."""

    @property
    def has_next(self) -> bool:
        """Whether there is something that a go-ahead could refer to."""
        return self.announced is not None or self.doing is not None or self.step_waits

    def new_goal(self, goal: Word) -> None:
        if self.goal is not None:
            self.older_goals.append(self.goal)
        self.goal = goal
        self.step, self.step_waits = None, False
        self.rules, self.dead_ends, self.findings = [], [], []
        self.other_work()

    def ordered(self, order: Word) -> None:
        """After a sub-step, bug report, correction or redirect; earlier questions and announcements may wait."""
        self.step, self.step_waits = order, True
        self.other_work()

    def other_work(self) -> None:
        """After work on something that had been neither asked nor announced."""
        self.announced = self.doing = self.asked = None
        self.announcement, self.begun = "", False

    def went_ahead(self, *, finished: bool) -> None:
        """After a go-ahead for what was announced or cut off."""
        self.asked = None
        self.begun = not finished
        if finished:
            self.stale += [word for word in (self.announced, self.doing) if word is not None]
            self.announced = self.doing = None
            self.announcement = ""
            self.step, self.step_waits = (self.step, False) if self.step_waits else (None, False)

    def got_answer(self) -> None:
        if self.asked is not None:
            self.answered.append(self.asked)
        if not self.step_waits:
            self.step = None
        self.other_work()

    def expectations(self) -> list[Expectation]:
        """Everything that a handoff made now must meet."""
        return [*self._content(), *self._guards()]

    def _content(self) -> list[Expectation]:
        found = []
        if self.goal is not None:
            found.append(Expectation("goal", self.goal.mark, ("Task",)))
        found += [Expectation("older goal", goal.mark) for goal in self.older_goals[-2:]]
        if self.step is not None:
            found.append(Expectation("step", self.step.mark, ("Task", "Next action") if self.step_waits else ()))
        if self.announced is not None:
            places = ("Next action", "Task") if self.begun else ("Next action",)
            found.append(Expectation("next", self.announced.mark, places))
        if self.doing is not None:
            found.append(Expectation("next", self.doing.mark, ("Next action",)))
        if self.asked is not None:
            found.append(Expectation("question", self.asked.mark, ("Open questions",)))
        found += [Expectation("rule", rule.mark, ("Decisions", "Task")) for rule in self.rules[-_MOST_OF_A_KIND:]]
        found += [
            Expectation("dead end", tried.mark, ("Failed approaches",)) for tried in self.dead_ends[-_MOST_OF_A_KIND:]
        ]
        found += [Expectation("finding", cause.mark) for cause in self.findings[-2:]]
        return found

    def _guards(self) -> list[Expectation]:
        found = [Expectation("answered", word.mark, ("Open questions",), False) for word in self.answered[-2:]]
        found += [Expectation("stale", word.mark, ("Next action",), False) for word in self.stale[-2:]]
        found += [Expectation("order", word.mark, ("Decisions",), False) for word in self.orders[-2:]]
        found += [Expectation("paste", word.mark, ("Task", "Decisions"), False) for word in self.pasted[-2:]]
        return found
