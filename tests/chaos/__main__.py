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
import time
import traceback
import uuid
from collections import Counter
from pathlib import Path
from typing import Final
from unittest import mock

from chaos.checks import QUIET_LIMIT_S, Checks
from chaos.faults import FAULTS, Fault
from chaos.world import World
from e2e.test_kill import TWO_STEPS

INSIDE: Final = "CHAOS_INSIDE"
"""Set in a process that may mount without anyone else seeing it."""
ALONE: Final = ("unshare", "--user", "--map-root-user", "--mount")
NAMES: Final = {fault.__name__: fault for fault in FAULTS}


def main() -> int:
    """Runs the faults; 1 if something did not hold."""
    options = _parser().parse_args()
    if INSIDE not in os.environ and can_mount():
        os.environ[INSIDE] = "1"
        os.execvp(
            "unshare", ["unshare", "--user", "--map-root-user", "--mount", sys.executable, "-m", "chaos", *sys.argv[1:]]
        )
    only = [NAMES[name] for name in options.only.split(",")] if options.only else list(FAULTS)
    top = Path(tempfile.mkdtemp(prefix="carryover-chaos-"))
    print(f"chaos: repeat with make chaos SEED={options.seed} STEPS={options.steps}", flush=True)
    try:
        with mock.patch.dict(os.environ, {"HOME": str(top / "home")}):
            held = run(top, options, only)
    finally:
        if options.keep:
            print(f"kept: {top}")
        else:
            shutil.rmtree(top, ignore_errors=True)
    return 0 if held else 1


def run(top: Path, options: argparse.Namespace, only: list[Fault]) -> bool:
    """Whether all held at every step."""
    seed, steps = options.seed, options.steps
    chance = random.Random(seed)
    world = World(top, chance)
    if INSIDE in os.environ and chance.random() < 0.7:
        world.mount_state()
    world.configure()
    if options.sabotage:
        world.command = (sys.executable, "-c", TWO_STEPS)
    checks = Checks(world, options.patience)
    checks.watch.start()
    done: Counter[str] = Counter()
    began = time.monotonic()
    step = 0
    fault: Fault = kill_none
    try:
        with mock.patch.object(uuid, "uuid4", lambda: uuid.UUID(int=chance.getrandbits(128), version=4)):
            world.daemon.wait_until_it_answers()
            world.load.play(12)
            checks.check()
            for step in range(1, steps + 1):
                [fault] = chance.choices(only, [FAULTS[each] for each in only])
                since = time.monotonic()
                world.load.play(chance.randint(0, 4))
                fault(world)
                world.load.play(chance.randint(0, 2))
                checks.check()
                done[fault.__name__] += 1
                if not options.quiet:
                    print(f"{step:4} {time.monotonic() - since:6.1f} s  {fault.__name__}", flush=True)
        return True
    except Exception:
        print(f"BROKEN at step {step} ({fault.__name__}), seed {seed}:", file=sys.stderr)
        traceback.print_exc()
        print("\n".join(world.last_lines()), file=sys.stderr)
        return False
    finally:
        world.close()
        checks.watch.finish()
        print(
            f"chaos: seed {seed}, {step} of {steps} steps in {time.monotonic() - began:.0f} s; {world.kills} kills, "
            f"{world.starts} starts, {len(world.load.prompts)} prompts, {checks.watch.reads} reads of handoffs, "
            f"slowest to become quiet {checks.slowest_s:.1f} s; {dict(sorted(done.items()))}"
        )
        if world.mounted:
            subprocess.run(["umount", "-l", str(world.state.root)], check=False)


def kill_none(world: World) -> None:
    """Nothing; what is done before the first fault."""


def can_mount() -> bool:
    """Whether this system lets the user mount in a namespace."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    command = [*ALONE, "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__, formatter_class=form)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000), help="repeats a run")
    parser.add_argument("--steps", type=int, default=60, help="how many faults (default: 60)")
    parser.add_argument("--only", default="", metavar="NAMES", help=f"of these alone: {', '.join(NAMES)}")
    parser.add_argument("--keep", action="store_true", help="leave the folder of the run for a look")
    parser.add_argument("--patience", type=float, default=QUIET_LIMIT_S, help="seconds until all must be quiet")
    parser.add_argument("--sabotage", action="store_true", help="run a daemon with a mistake that must be found")
    parser.add_argument("--quiet", action="store_true", help="print the summary alone")
    return parser


if __name__ == "__main__":
    sys.exit(main())
