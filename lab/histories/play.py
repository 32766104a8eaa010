"""Plays a random history in both worlds: nothing of ours may be in git, and no command may fail because of us."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from carryover.config import Pointers
from carryover.probe.checkout import Checkout
from carryover.publish.shared_pointers import committed_names
from histories.steps import Action, step
from histories.world import Ran, World, worlds

STEPS: Final = 40
MODES: Final = ("shared", "local", "off", "changing")
"""The answers to what is written into projects; the last one is another answer now and then."""
_ANSWERS: Final[tuple[Pointers, ...]] = ("shared", "local", "off")
_MEANT_FOR_GIT: Final = ("AGENTS.md", "CLAUDE.md")
_SETTLE: Final = (("add", "AGENTS.md", "."), ("commit", "--quiet", "--message", "Point agents to it"))
_UNCOMMITTED: Final = (
    "nothing to commit",
    "no changes added",
    "local changes",
    "uncommitted changes",
    "unstaged changes",
    "staged content different",
    "would be overwritten",
    "modified or",
)


@dataclass
class Outcome:
    """What came of a history. `problems` must be empty."""

    seed: int
    mode: str
    commands: int = 0
    compared: int = 0
    publications: int = 0
    refused: int = 0
    blocked: int = 0
    """Commands that git refused because of the uncommitted lines of `shared`."""
    problems: list[str] = field(default_factory=list)


def play(home: Path, seed: int, mode: str, steps: int = STEPS) -> Outcome:
    """Plays one history below `home`, which is the user's home folder now."""
    rng = Random(f"{seed} {mode}")
    first: Pointers = rng.choice(_ANSWERS) if mode == "changing" else next(one for one in _ANSWERS if one == mode)
    files = {"a.py": "1\n", "src/c.py": "1\n"} | {
        name: text
        for name, text in (("CLAUDE.md", "Be Claude.\n"), ("AGENTS.md", "Be brief.\n"), (".gitignore", "*.log\n"))
        if rng.random() < 0.4
    }
    ours, control = worlds(home, first, files)
    played = _Played(ours, control, Outcome(seed, mode))
    if first == "shared" and rng.random() < 0.5:
        played.settle()
    for _ in range(steps):
        if rng.random() < 0.6:
            played.publish()
        if mode == "changing" and rng.random() < 0.15:
            ours.change_mode(rng.choice(_ANSWERS))
            played.was_shared |= ours.mode == "shared"
        for action in step(rng, control):
            played.act(action)
        if played.outcome.problems:
            break
    played.look_for_leaks()
    played.outcome.publications, played.outcome.refused = ours.turns, len(ours.refused)
    return played.outcome


class _Played:
    def __init__(self, ours: World, control: World, outcome: Outcome) -> None:
        self.ours = ours
        self.control = control
        self.outcome = outcome
        self.was_shared = ours.mode == "shared"
        self._is_alike = True
        """Whether the two worlds have had the same history so far."""
        self._log: list[str] = []

    def settle(self) -> None:
        """The user commits what was written for that, as `carryover status` says."""
        self.publish()
        self.ours.git(*_SETTLE[0])
        for world, words in ((self.ours, ()), (self.control, ("--allow-empty",))):
            world.git(*_SETTLE[1], *words)
        self._log.append("the lines are committed")

    def publish(self) -> None:
        """Publishes. Only the first publication that is not refused may show in `git status`, or each one while HEAD
        has our lines."""
        before, is_first = self.ours.status(), not self.ours.is_published
        self.ours.publish()
        is_quiet = self.outcome.mode == "shared" and not is_first and not committed_names(Checkout(self.ours.root))
        if is_quiet and self.ours.status() != before:
            self.outcome.problems.append(f"it came back:\n{before}--- then\n{self.ours.status()}\n{self._told()}")
        self._log.append("publication")

    def act(self, action: Action) -> None:
        kind, *words = action
        if kind != "git":
            for world in (self.ours, self.control):
                (world.write if kind == "write" else world.delete)(*words)
            self._log.append(f"{kind} {words[0]}")
            if words[0] in _MEANT_FOR_GIT:  # by an agent, at the end of whose turn carryoverd looks
                self.ours.publish()
            return
        for world in (self.ours, self.control):
            world.now_s += 1
        here, there = self.ours.git(*words), self.control.git(*words)
        self.outcome.commands += 1
        self._log.append(f"git {' '.join(words)} -> {here.code}, without Carryover {there.code}")
        if self._is_alike:
            self.outcome.compared += 1
            self._compare(here, there)

    def look_for_leaks(self) -> None:
        """Nothing is ever deleted from git's objects and reflogs, so the end shows all."""
        self.outcome.problems += [f"{leak}\n{self._told()}" for leak in self.ours.leaks()]

    def _compare(self, here: Ran, there: Ran) -> None:
        if here.code != 0 and there.code == 0 and not self._is_of_uncommitted_lines(here):
            self.outcome.problems.append(f"{here.said}\n{self._told()}")
        if here.code != there.code:
            self.outcome.blocked += here.code != 0
            self._is_alike = False
        elif not self.was_shared and self.ours.status() != self.control.status():
            shown = f"{self.ours.status()}--- without Carryover\n{self.control.status()}"
            self.outcome.problems.append(f"git status differs:\n{shown}\n{self._told()}")

    def _is_of_uncommitted_lines(self, ran: Ran) -> bool:
        """Also where the user's next change of these files was already committed, together with our lines."""
        named = any(name in ran.said for name in _MEANT_FOR_GIT)
        return self.was_shared and (named or any(words in ran.said for words in _UNCOMMITTED))

    def _told(self) -> str:
        return "\n".join(self._log)
