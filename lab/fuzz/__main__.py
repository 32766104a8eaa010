"""`make fuzz`: gives bytes to the targets, guided by coverage, then runs the tests with generated examples in rounds.

Each target gets the same share of half the minutes. What reached new code is kept outside of the checkout, so that a
run begins where the last one stopped. What broke a promise is made small and kept there in `found`: the next run tries
it first. Once it is mended, its place is `fuzz/corpus/<target>`, which the suite replays.

A round is the tests as `make test` runs them, with other examples and one random seed, which repeats it.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

from fuzz.guided import Campaign, has_engine, is_kept, names_like

CHECKOUT: Final = Path(__file__).parents[2]
MARKER: Final = "hypothesis"
_MEMORY: Final = Path("/dev/shm")
"""Where there is one, no target waits for a disk."""
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (\S*::.+?)(?: - .*)?$", re.MULTILINE)
_PROPERTY: Final = re.compile(r"^\s*@given\(", re.MULTILINE)


def main() -> int:
    options = _parser().parse_args()
    if options.repeat is not None:
        return _repeated(options.repeat.absolute())
    until = time.monotonic() + options.minutes * 60
    failed = _guided(options)
    return _rounds(options, until) or failed


def _repeated(path: Path) -> int:
    """Checks one file of a folder that is called as its target; returns 1 if the promise is broken."""
    name = path.parent.name
    with tempfile.TemporaryDirectory() as place:
        kept = is_kept(name, path, Path(place))
    print(f"fuzz: {name}: the promise is {'kept' if kept else 'broken'}")
    return 0 if kept else 1


def _guided(options: argparse.Namespace) -> int:
    """Runs the targets for half of the time; returns 1 if one found something."""
    names = names_like(options.only)
    if not names or not options.minutes:
        return 0
    if not has_engine():
        print("fuzz: Atheris is not installed (`make fuzz` does it for Python 3.11 to 3.13): no target is run")
        return 0
    workers = min(int(options.workers), len(names))
    seconds = max(5, int(options.minutes * 60 / 2 * workers / len(names)))
    print(f"fuzz: {len(names)} targets, {seconds} s each, kept in {options.kept}", flush=True)
    memory = _MEMORY if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as place, ThreadPoolExecutor(workers) as pool:
        campaign = Campaign(options.kept, Path(place), seconds, options.seed)
        found = [one for some in pool.map(campaign.run, names) for one in some]
    for path in found:
        print(f"  make fuzz REPEAT={path}")
    return 1 if found else 0


def _rounds(options: argparse.Namespace, until: float) -> int:
    """Runs the tests with generated examples until it is `until`, once at least; returns 1 if one fails."""
    files = [file for folder in ("tests", "lab") for file in fuzzed_files(CHECKOUT / folder)]
    seed, rounds = options.seed, 0
    while rounds == 0 or time.monotonic() < until:
        print(f"fuzz: round {rounds + 1}, seed {seed}", flush=True)
        ran = run_round(command(files, seed, options.workers, options.only))
        rounds += 1
        if ran.returncode == 5:  # what pytest exits with where it selected no test
            print("no test with generated examples was selected", file=sys.stderr)
            return 0 if names_like(options.only) else 2
        if ran.returncode != 0:
            print(ran.stdout)
            print(how_to_repeat(ran.stdout, seed))
            return 1
        print(f"      {ran.stdout.splitlines()[-1].strip('= ')}", flush=True)
        seed += 1
    print(f"fuzz: {rounds} rounds, no failure")
    return 0


def run_round(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Runs a round, in surroundings where its examples depend on its seed alone."""
    env = {**os.environ, "HYPOTHESIS_PROFILE": "random"}
    return subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT, check=False)


def fuzzed_files(folder: Path) -> list[str]:
    """Returns the files that hold a test with generated examples, so that nothing else has to be collected."""
    found = (path for path in folder.rglob("test_*.py") if _PROPERTY.search(path.read_text(encoding="utf-8")))
    return sorted(str(path.relative_to(folder.parent)) for path in found)


def command(files: list[str], seed: int, workers: str, only: str) -> list[str]:
    options = ["-q", "-c", "pyproject.toml", "-p", "no:cacheprovider", "-n", workers, "--dist", "worksteal"]
    chosen = ["-m", MARKER, f"--hypothesis-seed={seed}", *(["-k", only] if only else [])]
    return [sys.executable, "-m", "pytest", *options, *chosen, *files]


def how_to_repeat(output: str, seed: int) -> str:
    failed = list(dict.fromkeys(_FAILED.findall(output)))
    shown = [f"  HYPOTHESIS_PROFILE=random .venv/bin/pytest -n 0 --hypothesis-seed={seed} '{test}'" for test in failed]
    return "\n".join([f"fuzz: seed {seed} failed. Repeat all of it with make fuzz SEED={seed} MINUTES=0, or", *shown])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30), help="of the first round; each adds 1")
    parser.add_argument("--minutes", type=float, default=10, help="no round begins after that long; one always runs")
    parser.add_argument("--workers", default="2")
    parser.add_argument("--only", default="", help="targets with this in their name; tests to choose, as pytest's -k")
    parser.add_argument("--kept", type=Path, default=user_cache_path("carryover-fuzz"), help="what outlasts a run")
    parser.add_argument("--repeat", type=Path, metavar="FILE", help="check one file that was found, and nothing else")
    return parser


if __name__ == "__main__":
    sys.exit(main())
