"""What a night has found so far, kept so that a night that was ended can be continued."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Outcome = Literal["held", "failed", "took too long", "not run"]


@dataclass(frozen=True, slots=True)
class Result:
    """How a step ended. `why`: of a step that was not run; `end`: the last lines of what it printed."""

    name: str
    outcome: Outcome
    command: str
    minutes: float = 0.0
    why: str = ""
    end: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A night: of which commit, with which seed, and what its steps found, in order."""

    commit: str
    seed: int
    began: str
    results: tuple[Result, ...] = ()
    hours: float = 6.0
    """How long it may take: the longest steps are shortened in proportion to six hours."""

    @property
    def held(self) -> bool:
        """Whether nothing that ran failed."""
        return all(each.outcome in ("held", "not run") for each in self.results)

    def names(self) -> set[str]:
        """Returns the names of the steps that have a result."""
        return {each.name for each in self.results}


def read(path: Path, commit: str) -> Found | None:
    """Returns the night that was begun for this commit; None if there is none."""
    if not path.exists():
        return None
    stored = json.loads(path.read_text(encoding="utf-8"))
    if stored["commit"] != commit:
        return None
    results = tuple(Result(**{**each, "end": tuple(each["end"])}) for each in stored.pop("results"))
    return Found(**stored, results=results)


def write(path: Path, found: Found) -> None:
    """Keeps the night; one that is ended meanwhile leaves what was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(asdict(found), indent=1), encoding="utf-8")
    beside.replace(path)


def page(found: Found, whats: Iterable[tuple[str, str]]) -> str:
    """Returns the report as Markdown. `whats`: name of each step of the night, and what it finds."""
    by_name = {each.name: each for each in found.results}
    rows = []
    for name, what in whats:
        result = by_name.get(name)
        outcome = f"**{result.outcome}**" if result is not None and result.outcome != "held" else "held"
        took = f"{result.minutes:.0f}" if result is not None and result.outcome != "not run" else ""
        rows.append(f"| {name} | {what} | {outcome if result is not None else 'to come'} | {took} |")
    parts = [
        f"# A night: {'nothing failed' if found.held else 'something failed'}",
        f"Commit {found.commit[:12]}, seed {found.seed}, begun {found.began}, set to {found.hours:g} hours.",
        "\n".join(("| step | what it finds | | minutes |", "|---|---|---|---|", *rows)),
        *(_section(each) for each in found.results),
    ]
    return "\n\n".join(parts) + "\n"


def _section(result: Result) -> str:
    about = f"Not run: {result.why}." if result.outcome == "not run" else f"`{result.command}`: {result.outcome}."
    printed = f"\n\n```\n{chr(10).join(result.end)}\n```" if result.end else ""
    return f"## {result.name}\n{about}{printed}"
