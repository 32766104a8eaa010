"""The true state of a dialogue, and where the handoff must and must not say what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from dialogue.words import Word

FAR: Final = 3
"""Sessions after which a rule counts as one from far back."""
_MOST_OF_A_KIND: Final = 3


@dataclass(frozen=True, slots=True)
class Expectation:
    """`mark` must appear in `section` (empty: anywhere); if not `present`, it must not."""

    kind: str
    mark: str
    section: str = ""
    present: bool = True


@dataclass(slots=True)
class Truth:
    """The state of a dialogue as a careful reader sees it. Where such a reader could go either way, nothing is required
    and nothing forbidden."""

    goal: Word | None = None
    switched: bool = False
    """It is not the first one."""
    order: Word | None = None
    """What the user ordered last, if the work on it was cut off."""
    announcement: str = ""
    """The sentence in which the agent said what comes next."""
    cut_off: bool = False
    asked: Word | None = None
    asked_in: int = 0
    """The number of the session in which it was asked, counted from 1."""
    answers: tuple[str, ...] = ()
    asked_last: bool = False
    """Nobody has written anything since the agent asked."""
    rules: list[tuple[Word, int]] = field(default_factory=list)
    """What the user demanded or forbade for the goal, each with the number of the session."""
    answered: list[Word] = field(default_factory=list)
    pasted: list[Word] = field(default_factory=list)
    protocols: dict[str, bool] = field(default_factory=dict)
    """Questions of the resume protocol, and whether a reader recognises them as such wherever they were asked: in its
    own words, or of someone who only said to continue."""

    @property
    def has_next(self) -> bool:
        """Whether there is something that a go-ahead could refer to."""
        return self.cut_off or bool(self.announcement)

    def new_goal(self, goal: Word) -> None:
        self.switched = self.goal is not None
        self.goal, self.rules = goal, []
        self.other_work()

    def other_work(self) -> None:
        """Work on something that had been neither asked nor announced. Earlier questions and announcements may wait."""
        self.asked = self.order = None
        self.announcement, self.cut_off = "", False

    def got_answer(self, session: int) -> None:
        if self.asked is not None and self.asked_in == session:
            self.answered.append(self.asked)
        self.other_work()

    def expectations(self, sessions: int) -> list[Expectation]:
        """Everything that a handoff made after so many sessions must meet."""
        found = []
        if self.goal is not None:
            found.append(Expectation("new goal" if self.switched else "goal", self.goal.mark, "Task"))
        if self.order is not None:
            found.append(Expectation("order", self.order.mark))
        if self.asked is not None and self.asked_last:
            found.append(Expectation("question", self.asked.mark, "Open questions"))
        for rule, number in self.rules[-_MOST_OF_A_KIND:]:
            found.append(Expectation("far rule" if sessions - number >= FAR else "rule", rule.mark))
        for word in self.answered[-2:]:
            found.append(Expectation("answered", word.mark, "Open questions", present=False))
        known = (asked for asked, is_known in self.protocols.items() if is_known)
        found += [Expectation("protocol", asked, "Open questions", present=False) for asked in known]
        return found
