"""A regression that a gate must find: what is planted, the gate in its smallest form, and what it must say."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from support.bounded_run import run

Outcome = Literal["found", "not found", "fails without it", "not run"]
_OF_THIS_RUN: Final = ("MAKEFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "MFLAGS", "PYTHONPATH", "VIRTUAL_ENV", "ONLY", "SEED")
"""Variables that make gives what it starts; a gate that is started from here must not have them."""
_LIMIT_S: Final = 900
_END_LINES: Final = 12


@dataclass(frozen=True, slots=True)
class Replacement:
    """A text that takes the place of another, which the file has once; an empty one stands for a file that is new."""

    file: str
    old: str
    new: str

    def of(self, top: Path) -> str:
        """Returns the file with the new text. Raises ValueError if the old one is not there once."""
        path = top / self.file
        if not self.old and not path.exists():
            return self.new
        text = path.read_text(encoding="utf-8")
        if not self.old or text.count(self.old) != 1:
            raise ValueError(f"{self.file} has {self.old!r} {text.count(self.old)} times")
        return text.replace(self.old, self.new)


@dataclass(frozen=True, slots=True)
class Plant:
    """A regression, and what must find it."""

    gate: str
    what: str
    """The regression, for the report."""
    command: str
    """The gate, by a shell in the clone."""
    says: tuple[str, ...]
    """Words in what it prints, by which a reader knows what to do."""
    changes: tuple[Replacement, ...] = ()
    further: Callable[[Path], None] | None = None
    """Plants into a clone what is not a change of a file."""
    holds_without: bool = True
    """Whether the command is run without the plant first; not if that takes minutes, or if it needs what is planted."""
    needs: Callable[[Path], str] | None = None
    """Says what is missing to run it; an empty text if nothing is."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a plant. `end`: the last lines that the gate printed, or why it was not run."""

    plant: Plant
    outcome: Outcome
    seconds: float
    end: str


def tried(plant: Plant, clone: Path, clock: Callable[[], float]) -> Result:
    """Plants the regression into the clone, runs the gate, and takes it out again."""
    began = clock()
    if plant.needs is not None and (missing := plant.needs(clone)):
        return Result(plant, "not run", 0.0, missing)
    if plant.holds_without:
        code, said = _run(plant.command, clone)
        if code:
            return Result(plant, "fails without it", clock() - began, _end(said))
    with planted(plant, clone):
        code, said = _run(plant.command, clone)
    is_found = code != 0 and all(words in said for words in plant.says)
    return Result(plant, "found" if is_found else "not found", clock() - began, _end(said))


@contextmanager
def planted(plant: Plant, clone: Path) -> Iterator[None]:
    """Leaves the clone as it was. Raises ValueError if what is to be replaced is not there once."""
    head = git(clone, "rev-parse", "HEAD")
    try:
        for change in plant.changes:
            (clone / change.file).write_text(change.of(clone), encoding="utf-8")
        if plant.further is not None:
            plant.further(clone)
        yield
    finally:
        git(clone, "reset", "--quiet", "--hard", head)
        git(clone, "clean", "--quiet", "-d", "--force")


def _run(command: str, clone: Path) -> tuple[int, str]:
    env = {name: value for name, value in os.environ.items() if name not in _OF_THIS_RUN}
    with tempfile.TemporaryDirectory(prefix="carryover-gate-") as folder:
        ran = run(command, clone, env, Path(folder) / "log", _LIMIT_S)
        said = ran.log.read_text(encoding="utf-8", errors="replace")
    if ran.status is None:
        return 0, f"{said}\nit did not end within {_LIMIT_S} s"
    return ran.status, said


def _end(said: str) -> str:
    return "\n".join(said.strip().splitlines()[-_END_LINES:])


def git(clone: Path, *words: str) -> str:
    """Returns what a git command prints in the clone, in which commits have an author."""
    command = ["git", "-c", "user.name=Dev", "-c", "user.email=dev@example.invalid", *words]
    return subprocess.run(command, cwd=clone, check=True, capture_output=True, text=True).stdout.strip()
