"""`make night`: everything that takes too long for each change, once; continues a night of this commit that was ended.

Each step is a command of its own, which prints how to repeat it. What it printed is kept in a file beside the report.
"""

from __future__ import annotations

import argparse
import os
import random
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from night import record
from night.record import Found, Outcome, Result
from night.steps import HOURS, STEPS, Night, Step
from quality.fetch import sessions_folder
from support.bounded_run import run
from support.clone import CHECKOUT

FOLDER: Final = CHECKOUT / "build" / "night"
END_LINES: Final = 25
"""How many of the last lines that a step printed are in the report."""


def main() -> int:
    options = parser().parse_args()
    commit = _git("rev-parse", "HEAD")
    state = options.folder / "state.json"
    found = None if options.anew else record.read(state, commit)
    if found is None:
        seed = options.seed or random.SystemRandom().randrange(1, 1_000_000)
        found = Found(commit, seed, f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", hours=options.hours)
    night = Night(found.seed, sessions_folder(), found.hours)
    wanted = [step for step in STEPS if not options.only or step.name in options.only]
    for step in wanted:
        if step.name not in found.names():
            print(f"night: {step.name}", flush=True)
            result = _run(step, night, options.folder / f"{step.name}.log")
            print(f"night: {step.name}: {result.outcome}{f', {result.why}' if result.why else ''}", flush=True)
            found = replace(found, results=(*found.results, result))
            record.write(state, found)
            report = record.page(found, [(each.name, each.what) for each in STEPS])
            (options.folder / "report.md").write_text(report, encoding="utf-8")
    print(f"night: {'nothing failed' if found.held else 'something failed'}; {options.folder / 'report.md'}")
    return 0 if found.held else 1


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="make night", description=__doc__, allow_abbrev=False)
    names = [step.name for step in STEPS]
    made.add_argument("--only", choices=names, nargs="+", metavar="STEP", help=f"some of {', '.join(names)}")
    made.add_argument("--seed", type=int, metavar="N", help="instead of a new one")
    made.add_argument(
        "--hours",
        type=_hours,
        default=HOURS,
        metavar="N",
        help="less than %(default)g shortens the longest steps of a new night",
    )
    made.add_argument("--anew", action="store_true", help="begin a new night, even if one of this commit was ended")
    made.add_argument("--folder", type=Path, metavar="DIR", default=FOLDER, help="default: build/night")
    return made


def _hours(text: str) -> float:
    hours = float(text)
    if not 0 < hours <= HOURS:
        raise argparse.ArgumentTypeError(f"more than 0 and at most {HOURS:g}: the limits of the steps are for that")
    return hours


def _run(step: Step, night: Night, log: Path) -> Result:
    shown = shlex.join(step.command(night))
    if why := step.why_not(night):
        return Result(step.name, "not run", shown, why=why)
    log.parent.mkdir(parents=True, exist_ok=True)
    ran = run(shown, CHECKOUT, own_settings(os.environ), log, step.minutes * 60)
    outcome: Outcome = "took too long" if ran.status is None else "failed" if ran.status else "held"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return Result(step.name, outcome, shown, ran.seconds / 60, end=tuple(lines[-END_LINES:]))


def own_settings(env: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment without what `make night` was told, which make hands down: steps have their own."""
    told = {word.partition("=")[0] for word in env.get("MAKEFLAGS", "").split() if "=" in word}
    return {name: value for name, value in env.items() if name not in told and not name.startswith(("MAKE", "MFLAGS"))}


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
