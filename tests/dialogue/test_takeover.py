"""A miniature of `make takeover`: invented names and numbers that the work goes on with, mentioned before the cut.

As in real sessions most of it stands near the cut: the last turn's words and results, the files changed; less of the
turns before it; and the prompt that began the work.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import pytest

from carryover.model import AssistantMessage, FileEdit, ToolCall, ToolResult, UserPrompt
from dialogue.checks import handed_over
from dialogue.session import Session
from dialogue.words import Inventor
from support.conversation import MINUTE_MS, START_MS

SEEDS: Final = range(48)
LEAST: Final = 0.8
_NEAR: Final = 4
"""As many turns before the cut are still needed in part."""
DUMP: Final = 1800 * 4
"""Characters of the last 1,800 tokens."""

_PROMPTS: Final = (
    "Please look at {} next. It has to handle {} rows without a second query, and {} must stay as it is.",
    "The report shows {} twice when there are {} of them. Find out why; {} did not do that.",
    "Can you move {} out of the way? There were {} calls to it yesterday, all of them through {}.",
)
_REPORTS: Final = (
    "`{}` reads everything before it filters, which is why {} took so long.",
    "I changed `{}` so that it stops after {} of them.",
    "What is left is `{}`, which still expects {} fields.",
    "The call from `{}` goes through now, in {} ms.",
    "I left `{}` alone, since its {} users would notice.",
)
_NOISE: Final = "{:4} | the value is read once, checked against the table and handed on to the next stage"


@dataclass
class Work:
    """Sessions in a project up to a cut, and what the work needed after it."""

    sessions: list[Session] = field(default_factory=list)
    needed: list[str] = field(default_factory=list)


class _Writer:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.words = Inventor(self.chance, "en")
        self.numbers = iter(self.chance.sample(range(10_000, 99_999), 1000))
        self.work = Work()

    def write(self, turns: int, sessions: int, *, answered: bool) -> Work:
        left = turns * sessions
        for number in range(sessions):
            at_ms = START_MS + number * 600 * MINUTE_MS
            self.work.sessions.append(Session(f"s{number}", ("claude-code", "codex")[number % 2], at_ms))
            for _ in range(turns):
                left -= 1
                self._turn(left, answered=answered or left > 0)
        return self.work

    def _turn(self, left: int, *, answered: bool) -> None:
        """A turn with `left` others after it. The last one is needed whole, the others less the further back."""
        session, needed = self.work.sessions[-1], self.work.needed
        is_first, is_last, is_near = not needed, left == 0, left < _NEAR
        said = [self._name(), self._number(), self._name()]
        session.prompt(self.chance.choice(_PROMPTS).format(*said))
        needed += said if is_first or is_last else said[:1] if is_near else []
        path = f"src/{self._name()}.py"
        results = [self._name() for _ in range(self.chance.randint(2, 5))]
        for name in results:
            session.uses("shell", f"rg -n '{self._name()}' src", self._output(name))
        session.edits(path)
        needed += [path.removeprefix("src/")] if is_near else []
        needed += results[-3:] if is_last else []
        if answered:
            facts = [(self._name(), self._number()) for _ in range(self.chance.randint(3, 10))]
            session.answers([self.chance.choice(_REPORTS).format(*fact) for fact in facts])
            needed += [word for fact in facts for word in fact] if is_last else [facts[-1][0]] if is_near else []

    def _output(self, name: str) -> str:
        lines = [_NOISE.format(number) for number in range(self.chance.randint(2, 30))]
        lines.insert(self.chance.choice((0, len(lines))), f"src/{name}.py:{self.chance.randint(1, 400)}: load()")
        return "\n".join(lines)

    def _name(self) -> str:
        return f"{self.words.identifier().shown}_{self.chance.choice(('cache', 'feed', 'quota', 'store'))}"

    def _number(self) -> str:
        return str(next(self.numbers))


@cache
def held(seed: int) -> tuple[float, float]:
    """Of what was needed, the share in the handoff and in the dump."""
    chance = random.Random(seed)
    turns = chance.choice((1, 2, 3, 5, 8, 12))
    work = _Writer(seed).write(turns, sessions=1 if seed % 3 else 2, answered=seed % 4 != 0)
    texts = (handed_over(work.sessions), _dump(work.sessions))
    ours, dump = (sum(word in text for word in work.needed) / len(work.needed) for text in texts)
    return ours, dump


def _dump(sessions: Iterable[Session]) -> str:
    texts = []
    for event in (event for session in sessions for event in session.events):
        match event.body:
            case UserPrompt(text=text) | AssistantMessage(text=text) | ToolCall(subject=text) | ToolResult(output=text):
                texts.append(text)
            case FileEdit(path=path):
                texts.append(path)
    return "\n".join(texts)[-DUMP:]


@pytest.mark.night
def test_the_handoff_holds_what_the_work_needs_next_and_a_dump_of_the_conversations_end_no_more() -> None:
    ours, dump = zip(*map(held, SEEDS), strict=True)

    assert sum(ours) / len(ours) >= LEAST
    assert sum(ours) >= sum(dump)
