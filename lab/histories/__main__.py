"""`make histories`: random histories of git commands around working agents, in all modes; prints a table."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from histories.play import MODES, STEPS, Outcome, play
from histories.world import GIT_CONFIG


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="histories in each mode")
    parser.add_argument("--seed", type=int, default=1, help="that of the first history")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--mode", choices=MODES, action="append", help="only these modes")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    wanted = [(options.seed + run, mode) for mode in options.mode or MODES for run in range(options.runs)]
    with ProcessPoolExecutor(options.workers) as pool:
        outcomes = list(pool.map(partial(_played, steps=options.steps), wanted))
    print("\n".join(table(outcomes)))
    failed = [outcome for outcome in outcomes if outcome.problems]
    for outcome in failed:
        print(f"\nmode {outcome.mode}, seed {outcome.seed}:\n{outcome.problems[0]}", file=sys.stderr)
    return 1 if failed else 0


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """Returns the table, one row per mode."""
    rows = ["| mode | histories | git commands | compared | publications | refused for our lines | leaks or failures |"]
    rows.append("|---|---|---|---|---|---|---|")
    for mode in MODES:
        those = [outcome for outcome in outcomes if outcome.mode == mode]
        if those:
            sums = (
                sum(getattr(one, name) for one in those) for name in ("commands", "compared", "publications", "blocked")
            )
            failed = sum(bool(one.problems) for one in those)
            rows.append(f"| {mode} | {len(those)} | {' | '.join(f'{number:,}' for number in sums)} | {failed} |")
    return rows


def _played(wanted: tuple[int, str], steps: int) -> Outcome:
    seed, mode = wanted
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        for name in list(os.environ):
            if name.startswith(("GIT_", "XDG_", "CARRYOVER_")):
                del os.environ[name]
        os.environ |= {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
        (home / ".gitconfig").write_text(GIT_CONFIG)
        return play(home, seed, mode, steps)


if __name__ == "__main__":
    sys.exit(main())
