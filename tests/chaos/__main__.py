"""`make chaos`: a real daemon, agents that write, and one fault after the other in a random order that a seed gives.

Times differ from run to run, so a fault that depends on them may need several runs with the seed that found it.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from chaos.checks import QUIET_LIMIT_S
from chaos.faults import FAULTS
from chaos.run import Plan, run

INSIDE: Final = "CHAOS_INSIDE"
"""Set in a process that may mount without anyone else seeing it."""
ALONE: Final = ("unshare", "--user", "--map-root-user", "--mount")
NAMES: Final = tuple(fault.__name__ for fault in FAULTS)


def main() -> int:
    """Runs the faults; 1 if something did not hold."""
    options = _parser().parse_args()
    if INSIDE not in os.environ and can_mount():
        os.environ[INSIDE] = "1"
        os.execvp(ALONE[0], [*ALONE, sys.executable, "-m", "chaos", *sys.argv[1:]])
    only = f" ONLY={','.join(options.only)}" if options.only != NAMES else ""
    print(f"chaos: repeat with make chaos SEED={options.seed} STEPS={options.steps}{only}", flush=True)
    top = Path(tempfile.mkdtemp(prefix="carryover-chaos-"))
    try:
        tally = run(top, _plan(options))
        print(f"chaos: seed {options.seed}, {tally}", flush=True)
    finally:
        if options.keep:
            print(f"kept: {top}")
        else:
            shutil.rmtree(top, ignore_errors=True)
    return 0 if tally.held else 1


def _plan(options: argparse.Namespace) -> Plan:
    return Plan(
        options.seed,
        steps=options.steps,
        only=options.only,
        patience_s=options.patience,
        mounts=INSIDE in os.environ,
        quiet=options.quiet,
    )


def can_mount() -> bool:
    """Whether this system lets the user mount in a namespace."""
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
    only = f"of these alone: {', '.join(NAMES)}"
    parser.add_argument("--only", type=_names, default=NAMES, metavar="NAMES", help=only)
    parser.add_argument("--keep", action="store_true", help="leave the folder of the run")
    parser.add_argument("--patience", type=float, default=QUIET_LIMIT_S, help="seconds until all must be quiet")
    parser.add_argument("--quiet", action="store_true", help="print the summary alone")
    return parser


if __name__ == "__main__":
    sys.exit(main())
