"""`make bench-gate`: whether a figure has become worse than the stored one, by more than this machine's noise.

Each figure is how many times its floor it is, both measured in the same run, in turns: another machine, or a busy one,
changes both. A small history is measured three times, and a figure fails only if all three are worse than `MORE` times
the stored one. `STORE=1` stores the medians, which a change that is meant to cost something does.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

STORED: Final = Path(__file__).with_name("stored.tsv")
RUNS: Final = 3
MORE: Final = 1.25
SECTIONS: Final = "reading,commands,hooks"
"""What has a floor that does the same work; the rest is judged by a person, in a full run."""
_NOT_COMPARED: Final = frozenset(("session-start-late",))
"""How long many sessions at once take depends on the processors of the machine; how many are late is its figure."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-gate", description=__doc__, allow_abbrev=False)
    parser.add_argument("--store", action="store_true", help="store the medians instead of comparing with them")
    parser.add_argument("--only", metavar="SECTIONS", default=SECTIONS, help="some of %(default)s, to try it")
    parser.add_argument("--runs", type=int, metavar="N", default=RUNS, help="default: %(default)s")
    options = parser.parse_args()
    runs = [_measured(number, options.runs, options.only) for number in range(1, options.runs + 1)]
    wanted = stored()
    if options.only != SECTIONS:
        wanted = {name: ratio for name, ratio in wanted.items() if any(name in run for run in runs)}
    if options.store:
        medians = {name: statistics.median(each[name] for each in runs) for name in _in_all(runs)}
        STORED.write_text(
            "".join(f"{name}\t{ratio:.2f}\n" for name, ratio in sorted(medians.items())), encoding="utf-8"
        )
        print(f"bench-gate: {len(medians)} figures are stored in {STORED.name}")
        return 0
    worse = worse_than(wanted, runs)
    for line in worse:
        print(f"bench-gate: {line}")
    print(f"bench-gate: {len(worse)} of {len(wanted)} figures became worse")
    if worse:
        print("bench-gate: if that is meant, store the new figures with `make bench-gate STORE=1`, and say why")
    return 1 if worse or not wanted else 0


def stored() -> dict[str, float]:
    """Returns the stored ratios, by the name of the figure."""
    rows = (line.split("\t") for line in STORED.read_text(encoding="utf-8").splitlines())
    return {name: float(ratio) for name, ratio in rows}


def worse_than(before: Mapping[str, float], runs: Sequence[Mapping[str, float]]) -> list[str]:
    """Returns a line for each figure that is worse in all runs, or that none of them has."""
    lines = []
    for name, ratio in sorted(before.items()):
        now = sorted(run[name] for run in runs if name in run)
        if not now:
            lines.append(f"{name} was not measured")
        elif now[0] > MORE * ratio:
            lines.append(f"{name}: {', '.join(f'{each:.2f}' for each in now)} times its floor, {ratio:.2f} is stored")
    return lines


def _in_all(runs: Sequence[Mapping[str, float]]) -> list[str]:
    return [name for name in runs[0] if all(name in run for run in runs)]


def _measured(number: int, runs: int, only: str) -> dict[str, float]:
    print(f"bench-gate: run {number} of {runs}", flush=True)
    with tempfile.TemporaryDirectory(prefix="cg-") as folder:
        figures = Path(folder) / "figures.tsv"
        command = [sys.executable, "-m", "bench", "--quick", "--only", only, "--figures", str(figures)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        rows = (line.split("\t") for line in figures.read_text(encoding="utf-8").splitlines())
        return {name: float(ratio) for name, ratio in rows if name not in _NOT_COMPARED}


if __name__ == "__main__":
    sys.exit(main())
