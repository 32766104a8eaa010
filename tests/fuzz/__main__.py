"""`make fuzz`: the tests with generated examples, in rounds with one random seed each, until the time is up.

A round is the tests as `make test` runs them, with other examples. It ends at the first round in which one fails. The
seed repeats it, however long ago it was: nothing is kept from run to run. What is found becomes an `@example` of the
test, or a file in a folder `corpus`.
"""

import argparse
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parents[1]
MARKER: Final = "hypothesis"
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (\S*::.+?)(?: - .*)?$", re.MULTILINE)
_PROPERTY: Final = re.compile(r"^\s*@given\(", re.MULTILINE)


def main() -> int:
    options = _parser().parse_args()
    until = time.monotonic() + options.minutes * 60
    files = fuzzed_files(TESTS)
    seed, rounds = options.seed, 0
    while rounds == 0 or time.monotonic() < until:
        print(f"fuzz: round {rounds + 1}, seed {seed}", flush=True)
        ran = run_round(command(files, seed, options.workers, options.only))
        rounds += 1
        if ran.returncode == 5:  # what pytest exits with where it selected no test
            print("no test with generated examples was selected", file=sys.stderr)
            return 2
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
    return subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, cwd=TESTS.parent, check=False)


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
    parser.add_argument("--only", default="", help="tests to choose, as pytest's -k")
    return parser


if __name__ == "__main__":
    sys.exit(main())
