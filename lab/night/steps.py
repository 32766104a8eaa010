"""What a night runs, in which order and for how long, and what is not run where something is missing."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quality.fetch import is_any_there

SEED: Final = "SEED"
"""Stands for the night's seed."""
HOURS: Final = 6.0
"""How long a whole night is."""


@dataclass(frozen=True, slots=True)
class Scaled:
    """A setting of a command that is smaller in a shorter night: its name, and its value in a whole one."""

    name: str
    value: float

    def word(self, share: float) -> str:
        """Returns it for that share of a whole night: a whole number, unless it is a single hour."""
        value = self.value * share
        return f"{self.name}={value:.2f}" if self.value == 1 else f"{self.name}={max(1, round(value))}"


@dataclass(frozen=True, slots=True)
class Night:
    """What is the same for all steps of one night."""

    seed: int
    sessions: Path
    """Where `make takeover-fetch` keeps the public sessions."""
    hours: float = HOURS


@dataclass(frozen=True, slots=True)
class Step:
    """A command that fails where a promise is broken, and how long it may take at most."""

    name: str
    what: str
    """What it finds, for the report."""
    make: tuple[str | Scaled, ...]
    """What `make` is asked for."""
    minutes: int
    missing: Callable[[Night], str] | None = None
    """Says why it can't be run here; an empty text if it can."""

    def command(self, night: Night) -> tuple[str, ...]:
        """Returns the command that runs it."""
        words = (word.word(night.hours / HOURS) if isinstance(word, Scaled) else word for word in self.make)
        return ("make", *(f"SEED={night.seed}" if word is SEED else word for word in words))

    def why_not(self, night: Night) -> str:
        """Returns why it can't be run here; an empty text if it can."""
        return self.missing(night) if self.missing is not None else ""


def _agents_missing(_: Night) -> str:
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "needs Linux and root: each agent gets a network namespace of its own"
    absent = [name for name in ("npm", "unshare") if shutil.which(name) is None]
    return f"needs {' and '.join(absent)}" if absent else ""


def _sessions_missing(night: Night) -> str:
    return "" if is_any_there(night.sessions) else "no public sessions are here: `make takeover-fetch` gets them"


STEPS: Final = (
    Step("order", "tests that need others before them", ("any-order", SEED), 20),
    Step("darwin", "what fails where this machine is taken for a Mac", ("as-darwin",), 20),
    Step("fuzz", "inputs that break a promise", ("fuzz", Scaled("MINUTES", 30), SEED), 40),
    Step("chaos", "events that are lost when something fails", ("chaos", Scaled("STEPS", 290), SEED), 22),
    Step("machines", "events that two machines lose", ("chaos", "MACHINES=2", Scaled("STEPS", 150), SEED), 23),
    Step("histories", "handoffs that leak into git", ("histories", Scaled("RUNS", 30), SEED), 20),
    Step("agents", "facts that a new version of an agent breaks", ("test-agents-newest",), 45, _agents_missing),
    Step("speed", "figures that became worse than the stored ones", ("bench-gate",), 20),
    Step("takeover", "how much handoffs hold, beside the last night", ("takeover",), 20, _sessions_missing),
    Step("mutants", "code that no test would miss", ("mutants", Scaled("MINUTES", 30), SEED), 35),
    Step("soak", "memory, files or handles that grow", ("soak", Scaled("HOURS", 1), SEED), 65),
)
