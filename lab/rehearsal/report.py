"""What a rehearsal found, step by step, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["held", "failed", "not run"]


@dataclass(frozen=True, slots=True)
class Result:
    """How a step ended. `said`: what it found, line by line; why, if it failed or was not run."""

    name: str
    what: str
    outcome: Outcome
    seconds: float
    said: tuple[str, ...] = ()


def page(version: str, commit: str, results: Sequence[Result]) -> str:
    """Returns the report."""
    failed = [each.name for each in results if each.outcome == "failed"]
    skipped = [each.name for each in results if each.outcome == "not run"]
    verdict = f"failed: {', '.join(failed)}" if failed else "nothing failed"
    not_run = f" Not run: {', '.join(skipped)}." if skipped else ""
    rows = [f"| {each.name} | {each.what} | {_shown(each)} | {each.seconds:.0f} |" for each in results]
    parts = [
        f"# Release {version}, rehearsed: {verdict}",
        f"Commit {commit[:12]}. Nothing was published.{not_run}",
        "\n".join(("| step | what it does | | seconds |", "|---|---|---|---|", *rows)),
        *(_section(each) for each in results if each.said),
    ]
    return "\n\n".join(parts) + "\n"


def _shown(result: Result) -> str:
    return result.outcome if result.outcome == "held" else f"**{result.outcome}**"


def _section(result: Result) -> str:
    return "\n".join((f"## {result.name}", *(f"    {line}" for line in result.said)))
