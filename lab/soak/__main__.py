"""`make soak`: two real daemons under everything that a day of work does to them, and what they need of the machine.

Every ten minutes it prints a row for each machine; at the end it says whether anything grew that should not.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from chaos.pair import Pair, converge, store_is_sound
from chaos.world import CONFIG, Broken
from soak.figures import HEAD, Row, drift, measure
from soak.work import Workday
from support.daemon_process import STARTED

SETTINGS: Final = f'{CONFIG}[sync]\nevery = "1m"\n'
PATIENCE_S: Final = 300.0
USUAL_MINUTES: Final = 10.0
LEAST_ROWS: Final = 10
"""As many rows as it takes to tell growth from the warm-up."""


def main() -> int:
    options = _parser().parse_args()
    every = options.every or min(USUAL_MINUTES, options.hours * 60 / LEAST_ROWS)
    top = Path(tempfile.mkdtemp(prefix="carryover-soak-"))
    print(f"soak: {options.hours:g} hours, a row for each machine every {every:g} minutes, in {top}", flush=True)
    pair = Pair(top, random.Random(options.seed))
    try:
        rows = _run(pair, hours=options.hours, every_s=60 * every)
        converge(pair, PATIENCE_S)
        store_is_sound(pair)
    finally:
        pair.close()
    problems = [problem for machine in pair.machines for problem in drift(rows[machine.name])]
    print("\n".join(problems) or "soak: nothing grew beyond its bound, and both machines have all, each event once")
    if not options.keep:
        shutil.rmtree(top, ignore_errors=True)
    return 1 if problems else 0


def _run(pair: Pair, *, hours: float, every_s: float) -> dict[str, list[Row]]:
    for machine in pair.machines:
        machine.configure(SETTINGS)
        machine.command = STARTED
        machine.daemon.wait_until_it_answers()
    pair.join()
    days = [Workday(machine) for machine in pair.machines]
    rows: dict[str, list[Row]] = {machine.name: [] for machine in pair.machines}
    began, pids = time.monotonic(), [machine.daemon.pid for machine in pair.machines]
    print(HEAD, flush=True)
    try:
        for day in days:
            day.begin()
        while time.monotonic() - began < hours * 3600:
            time.sleep(min(every_s, max(0.0, began + hours * 3600 - time.monotonic())))
            pair.allow()
            if pids != [machine.daemon.pid for machine in pair.machines]:
                raise Broken("a daemon ended")
            for day in days:
                if day.failed:
                    raise day.failed[0]
                row = measure(day.machine, day.take_timings(), since_s=time.monotonic() - began)
                rows[day.machine.name].append(row)
                print(row, flush=True)
    finally:
        for day in days:
            day.end()
    return rows


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=8.0, help="how long (default: 8)")
    parser.add_argument(
        "--every", type=float, help=f"minutes between two rows (default: {USUAL_MINUTES:g}, less for a short run)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="leave the folder of the run")
    return parser


if __name__ == "__main__":
    sys.exit(main())
