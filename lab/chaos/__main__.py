"""`make chaos`: a real daemon, agents that write, and one fault after the other in an order that a seed gives."""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from chaos.checks import QUIET_LIMIT_S
from chaos.faults import FAULTS
from chaos.pair import run_pair
from chaos.run import Plan, Tally, run

INSIDE: Final = "CHAOS_INSIDE"
"""Set in a process that may mount without anyone else seeing it."""
ALONE: Final = ("unshare", "--user", "--map-root-user", "--mount")
NAMES: Final = tuple(fault.__name__ for fault in FAULTS)


def main() -> int:
    options = _parser().parse_args()
    if INSIDE not in os.environ and options.machines == 1 and can_mount():
        os.environ[INSIDE] = "1"
        os.execvp(ALONE[0], [*ALONE, sys.executable, "-m", "chaos", *sys.argv[1:]])
    length = f"KILLS={options.kills}" if options.kills else f"STEPS={options.steps}"
    more = f" ONLY={','.join(options.only)}" if options.only != NAMES else ""
    more += f" WORLDS={options.worlds}" if options.worlds > 1 else ""
    more += " MACHINES=2" if options.machines == 2 else ""
    print(f"chaos: repeat with make chaos SEED={options.seed} {length}{more}", flush=True)
    top = Path(tempfile.mkdtemp(prefix="carryover-chaos-"))
    try:
        total = Tally()
        for plan, tally in _run_all(top, options):
            print(f"chaos: seed {plan.seed}, {tally}", flush=True)
            total.add(tally)
        if options.worlds > 1:
            print(f"chaos: all, {total}")
    finally:
        if options.keep:
            print(f"kept: {top}")
        else:
            shutil.rmtree(top, ignore_errors=True)
    return 0 if total.held else 1


def _run_all(top: Path, options: argparse.Namespace) -> Iterator[tuple[Plan, Tally]]:
    worlds = options.worlds
    plan = Plan(
        options.seed,
        steps=0 if options.kills else -(-options.steps // worlds),
        only=options.only,
        kills=-(-options.kills // worlds),
        patience_s=options.patience,
        mounts=INSIDE in os.environ,
        sabotage=options.sabotage,
        quiet=options.quiet,
    )
    plans = [replace(plan, seed=plan.seed + number) for number in range(worlds)]
    work = run_pair if options.machines == 2 else run
    if worlds == 1:
        yield plan, work(top, plan)
        return
    tops = [top / str(each.seed) for each in plans]
    with ProcessPoolExecutor(options.at_once or worlds, mp_context=get_context("spawn")) as pool:
        yield from zip(plans, pool.map(work, tops, plans), strict=True)


def can_mount() -> bool:
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    command = [*ALONE, "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := sorted(set(names) - set(NAMES)):
        raise argparse.ArgumentTypeError(f"no fault is called {', '.join(unknown)}")
    return names


def _parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__, formatter_class=form)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000), help="repeats a run")
    parser.add_argument("--steps", type=int, default=60, help="how many faults (default: 60)")
    parser.add_argument("--kills", type=int, default=0, help="instead: until the daemon was killed as often as that")
    parser.add_argument("--worlds", type=int, default=1, help="how many daemons at the same time (default: 1)")
    parser.add_argument("--at-once", type=int, default=0, help="no more of them than this at a time")
    machines = "2: two that synchronise through a store while all of it is killed"
    parser.add_argument("--machines", type=int, choices=(1, 2), default=1, help=machines)
    only = f"of these alone: {', '.join(NAMES)}"
    parser.add_argument("--only", type=_names, default=NAMES, metavar="NAMES", help=only)
    parser.add_argument("--keep", action="store_true", help="leave the folder of the run")
    parser.add_argument("--patience", type=float, default=QUIET_LIMIT_S, help="seconds until all must be quiet")
    parser.add_argument("--sabotage", action="store_true", help="run a daemon with a mistake that must be found")
    parser.add_argument("--quiet", action="store_true", help="print the summary alone")
    return parser


if __name__ == "__main__":
    sys.exit(main())
