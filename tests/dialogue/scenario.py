"""Synthetic conversations between people and their agents, and what a handoff must say about each."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from carryover.distill.closed_classes import only_replies
from carryover.distill.own_text import PROTOCOL_QUESTION
from dialogue.pastes import log, pasted_prompt
from dialogue.phrases.bank import PHRASES, Ask, Texts
from dialogue.session import Cut, Session
from dialogue.truth import Truth
from dialogue.words import Inventor, Word
from support.conversation import MINUTE_MS, START_MS

Said = TypeVar("Said", str, Ask)

LANGUAGES: Final = tuple(PHRASES)
AGENTS: Final = ("claude-code", "codex", "cursor")

_PAUSE_MS: Final = 40 * MINUTE_MS
_LONG_GOALS: Final = 2
"""Number of goal phrases, from the first, that are long enough to start new work without announcing it."""
_CUTS: Final[tuple[Cut, ...]] = ("limit", "kill", "compaction")
_KINDS: Final = {
    "substep": 4,
    "rule": 3,
    "bug": 3,
    "correction": 2,
    "errand": 2,
    "side question": 2,
    "paste": 2,
    "thanks": 1,
    "redirect": 1,
    "new goal": 1,
}
_KINDS_TO_BE_CUT: Final = {"substep": 3, "bug": 3, "correction": 1, "errand": 1}
_OPENERS: Final = ("continue", "yes", "direct", "answer", "side question", "errand", "talk", "new goal")


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One to four sessions in the same project, oldest first, and the truth after the last one."""

    seed: int
    language: str
    sessions: tuple[Session, ...]
    truth: Truth
    compacted: bool
    """The last session was at work when its context was compacted."""


def dialogue(seed: int) -> Dialogue:
    """The dialogue of a seed. Languages alternate from seed to seed."""
    return _Author(seed).write()


class _Author:
    """Writes a dialogue turn by turn and keeps the truth up to date."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.language = LANGUAGES[seed % len(LANGUAGES)]
        self.say = PHRASES[self.language]
        self.words = Inventor(self.chance, self.language)
        self.truth = Truth()
        self.sessions: list[Session] = []
        self.ending: Cut | None = None
        self._drawn: dict[str | Ask, int] = {}

    def write(self) -> Dialogue:
        first_agent = self.chance.randrange(len(AGENTS))
        for number in range(self.chance.choices((1, 2, 3, 4), (4, 2, 2, 5))[0]):
            at_ms = self.sessions[-1].at_ms + _PAUSE_MS if self.sessions else START_MS
            agent = AGENTS[(first_agent + number) % len(AGENTS)]
            self.sessions.append(Session(f"s{number + 1}", agent, at_ms))
            self._session()
        return Dialogue(self.seed, self.language, tuple(self.sessions), self.truth, self.ending == "compaction")

    @property
    def session(self) -> Session:
        return self.sessions[-1]

    def _prompt(self, text: str) -> None:
        self.truth.asked_last = False
        self.session.prompt(text)

    def _session(self) -> None:
        self.ending = self.chance.choice(_CUTS) if self.chance.random() < 0.5 else None
        first, is_long = len(self.sessions) == 1, self.chance.random() < 0.1
        middle = self.chance.randint(9, 15) if is_long else self.chance.randint(0, 6 if first else 3)
        if not first:
            if not self._open_again():
                self.ending = None
                return
        elif middle == 0 and self.ending is not None:
            self._goal(self.ending)
            return
        else:
            self._goal(None)
        for _ in range(middle):
            self._turn(self._kind(_KINDS, 8, 7), None)
        if self.ending is not None:
            self._turn(self._kind(_KINDS_TO_BE_CUT, 3, 3), self.ending)

    def _draw(self, texts: Sequence[Said]) -> Said:
        """An unused text at random, then the least recently used one: people rarely repeat themselves word for word."""
        shuffled = self.chance.sample(texts, len(texts))
        drawn = min(shuffled, key=lambda text: self._drawn.get(text, 0))
        self._drawn[drawn] = max(self._drawn.values(), default=0) + 1
        return drawn

    # ---- which kind of turn comes

    def _kind(self, kinds: Mapping[str, int], answer: int, go_ahead: int) -> str:
        kinds = {kind: many for kind, many in kinds.items() if kind != "new goal" or not self._goals_are_used_up}
        if self.truth.asked is not None:
            kinds["answer"] = answer
        elif self.truth.has_next:
            kinds["go-ahead"] = go_ahead
        return self.chance.choices(list(kinds), list(kinds.values()))[0]

    @property
    def _goals_are_used_up(self) -> bool:
        return all(text in self._drawn for text in self.say.goal)

    def _turn(self, kind: str, cut: Cut | None) -> None:
        turns: dict[str, Callable[[], None]] = {
            "substep": lambda: self._order(self.say.substep, cut),
            "bug": lambda: self._bug(cut),
            "correction": lambda: self._order(self.say.correction, cut),
            "redirect": self._redirect,
            "rule": self._rule,
            "answer": lambda: self._answer(cut),
            "go-ahead": lambda: self._go_ahead(self.say.go_ahead, cut),
            "errand": lambda: self._errand(cut),
            "side question": self._side_question,
            "paste": self._paste,
            "thanks": lambda: self._talk(self.say.thanks),
            "new goal": lambda: self._goal(cut),
        }
        turns[kind]()

    def _open_again(self) -> bool:
        """Write the first prompts of a later session. Returns whether the conversation continues after them."""
        opener = self.chance.choice(_OPENERS)
        if opener == "answer" and self.truth.asked is None:
            opener = "yes"
        if opener in ("yes", "direct") and not self.truth.has_next:
            opener = "continue"
        if opener == "new goal" and self._goals_are_used_up:
            opener = "talk"
        match opener:
            case "continue" | "yes":
                prompt = self._draw(self.say.resume)
                self._prompt(prompt)
                self._protocol(prompt)
                if opener == "continue":
                    return False
                self._go_ahead(self.say.confirm)
            case "direct":
                self._go_ahead(self.say.resume)
            case "talk":
                self._talk(self.say.hello)
            case _:
                self._turn(opener, None)
        return True

    # ---- turns that move the work

    def _goal(self, cut: Cut | None) -> None:
        first, goal = self.truth.goal is None, self.words.word()
        goals = [text for text in self.say.goal if text not in self._drawn]
        long = [text for text in self.say.goal[:_LONG_GOALS] if text in goals]
        switches = not first and (not long or self.chance.random() < 0.75)
        text = goal.into(self._draw(goals if first or switches else long))
        if switches:
            text = f"{self._draw(self.say.switch)}{text}"
        self.truth.new_goal(goal)
        if self.chance.random() < 0.25:
            rule = self.words.word()
            text = f"{text} {rule.into(self._draw(self.say.rule))}"
            self.truth.rules.append((rule, len(self.sessions)))
        self._prompt(text)
        self._work(cut)

    def _order(self, texts: Texts, cut: Cut | None) -> None:
        order = self.words.word()
        self._prompt(order.into(self._draw(texts)))
        self._carry_out(order, cut, may_look=False)

    def _bug(self, cut: Cut | None) -> None:
        order = self.words.word()
        text = order.into(self._draw(self.say.bug))
        if self.chance.random() < 0.25:
            output, word = log(self.words)
            self.truth.pasted.append(word)
            text = f"{text}\n\n{output}"
        self._prompt(text)
        self._carry_out(order, cut, may_look=True)

    def _carry_out(self, order: Word, cut: Cut | None, *, may_look: bool) -> None:
        self.truth.other_work()
        self.truth.order = order if cut is not None else None
        self._work(cut, may_look=may_look)

    def _redirect(self) -> None:
        """The user stops the agent in the middle of an order and asks for something else first."""
        self._order(self.say.substep, "interrupted")
        self._order(self.say.redirect, None)

    def _go_ahead(self, texts: Texts, cut: Cut | None = None) -> None:
        self._prompt(self._draw(texts))
        if cut is None:
            self.truth.other_work()
        self._work(cut)

    def _answer(self, cut: Cut | None) -> None:
        self._prompt(self.chance.choice(self.truth.answers))
        self.truth.got_answer(len(self.sessions))
        self._work(cut)

    def _rule(self) -> None:
        rule = self.words.word()
        self._prompt(rule.into(self._draw(self.say.rule)))
        self.truth.rules.append((rule, len(self.sessions)))
        if self.chance.random() < 0.5:
            self.truth.asked = None
            self.session.answers([self._draw(self.say.acknowledged)])
        else:
            self.truth.other_work()
            self._work(None)

    def _paste(self) -> None:
        text, word = pasted_prompt(self.chance, self.say, self.words)
        self.truth.pasted.append(word)
        self.truth.other_work()
        self._prompt(text)
        self._work(None)

    # ---- turns that leave the work where it is

    def _errand(self, cut: Cut | None) -> None:
        tests = self.chance.random() < 0.5
        self._prompt(self._draw(self.say.run_tests if tests else self.say.commit))
        command = "pytest -q" if tests else "git commit -am 'Rework the loading'"
        if cut is not None:
            self.session.calls("shell", command)
            self.session.is_cut(cut)
            return
        self.session.uses("shell", command, "84 passed in 2.13s" if tests else "[main 4f1c9d2] Rework the loading")
        self.session.answers([self._draw(self.say.tested if tests else self.say.committed)])

    def _side_question(self) -> None:
        asked = self.words.word()
        self._prompt(asked.into(self._draw(self.say.side_question)))
        self.session.answers([asked.into(self._draw(self.say.side_answer))])

    def _talk(self, texts: Texts) -> None:
        self._prompt(self._draw(texts))
        self.session.answers([self._draw(self.say.welcome)])

    def _protocol(self, prompt: str) -> None:
        """The agent reads the handoff, says where things stand, and asks whether to go on."""
        self.session.uses("read", ".carryover/handoff.md", "# [CARRYOVER] Last updated 2031-03-04T11:02:17Z from Codex")
        standing = self._about_goal(self.say.standing)
        asked = self._draw(self.say.continue_question)
        is_known = only_replies(prompt) or asked == PROTOCOL_QUESTION
        self.truth.protocols[asked] = is_known and self.truth.protocols.get(asked, True)
        self.session.answers([standing, self.truth.announcement, asked])

    # ---- what the agent does

    def _work(self, cut: Cut | None, *, may_look: bool = True) -> None:
        """Tool calls, then a report, unless the turn is cut off. With `may_look` the agent may have changed nothing and
        only found something out."""
        looked = may_look and cut is None and self.chance.random() < 0.15
        self._use_tools(looked=looked)
        if cut is not None:
            self._is_cut(cut)
            return
        report = [self._about_goal(self.say.looked if looked else self.say.done)]
        found_out = self.chance.choices(("nothing", "cause", "dead end", "both"), (0 if looked else 5, 2, 2, 1))[0]
        if found_out in ("cause", "both"):
            report.append(self.words.word().into(self._draw(self.say.found)))
        if found_out in ("dead end", "both"):
            report.append(self.words.word().into(self._draw(self.say.dead_end)))
        if found_out == "nothing" and self.chance.random() < 0.4:
            report.append(self._draw(self.say.aside))
        self.session.answers([*report, *self._closing()])

    def _use_tools(self, *, looked: bool) -> None:
        stem = self.truth.goal.stem if self.truth.goal is not None else "main"
        path = self.chance.choice((f"src/{stem}.py", f"src/{stem}/loader.py", "src/shared.py"))
        self.session.uses("read", path, "import json")
        if self.chance.random() < 0.3:
            self.session.remarks(self._draw(self.say.aside))
        if self.chance.random() < 0.3:
            self.session.uses("shell", f"rg -n {stem} src", f"{path}:12: load()")
        if looked:
            return
        if self.chance.random() < 0.75:
            self.session.edits(path)
        else:
            self.session.uses("shell", f"python scripts/convert.py {path}", "converted 1 file")
        if self.chance.random() < 0.3:
            self.session.uses("shell", "pytest -q", "84 passed in 2.13s")

    def _is_cut(self, cut: Cut) -> None:
        if self.chance.random() < 0.6:
            self.session.remarks(self.words.word().into(self._draw(self.say.doing)))
            self.session.calls("shell", "python scripts/rewrite.py src")
            self.truth.cut_off = True
        self.session.is_cut(cut)

    def _closing(self) -> Sequence[str]:
        """The last sentence of a report: what comes next, or a question."""
        self.truth.announcement = ""
        match self.chance.choices(("announces", "asks", "ends"), (5, 3, 2))[0]:
            case "announces":
                self.truth.announcement = self.words.word().into(self._draw(self.say.announce))
                return (self.truth.announcement,)
            case "asks":
                ask = self._draw(self.say.asks)
                self.truth.asked, self.truth.asked_in = self.words.word(), len(self.sessions)
                self.truth.answers, self.truth.asked_last = ask.answers, True
                return (self.truth.asked.into(ask.question),)
        return ()

    def _about_goal(self, texts: Texts) -> str:
        assert self.truth.goal is not None
        return self._draw(texts).replace("{t}", self.truth.goal.shown)
