"""One run: a daemon, a load, one fault after the other, and a check after each."""

import os
import random
import subprocess
import sys
import time
import traceback
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from unittest import mock

from chaos.agent_faults import NothingToDo
from chaos.checks import QUIET_LIMIT_S, Checks
from chaos.faults import FAULTS, Fault, disk_full
from chaos.world import World
from e2e.test_kill import SLOW_TWO_STEPS
from support.forked import ALTERED


@dataclass(frozen=True)
class Plan:
    seed: int
    steps: int
    only: Sequence[str] = tuple(fault.__name__ for fault in FAULTS)
    kills: int = 0
    patience_s: float = QUIET_LIMIT_S
    mounts: bool = False
    forked: bool = False
    """Most daemons are forked from a process that has loaded the program, so that their starts take no time."""
    sabotage: bool = False
    quiet: bool = False


@dataclass
class Tally:
    held: bool = True
    seconds: float = 0
    kills: int = 0
    starts: int = 0
    turns: int = 0
    written: int = 0
    lost: int = 0
    doubled: int = 0
    reads: int = 0
    slowest_s: float = 0
    done: Counter[str] = field(default_factory=Counter)
    killed: Counter[str] = field(default_factory=Counter)
    """What was killed besides daemons."""

    def add(self, other: Self) -> None:
        self.held &= other.held
        self.seconds = max(self.seconds, other.seconds)
        self.slowest_s = max(self.slowest_s, other.slowest_s)
        for name in ("kills", "starts", "turns", "written", "lost", "doubled", "reads"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.done += other.done
        self.killed += other.killed

    def count(self, world: World, checks: Checks) -> None:
        """Adds what was done to one machine and what was found there."""
        self.kills += world.kills
        self.starts += world.starts
        self.turns += len(world.load.turns)
        self.written += sum(len(turn.kinds) for turn in world.load.turns)
        self.lost += checks.lost
        self.doubled += checks.doubled
        self.reads += checks.watch.reads
        self.slowest_s = max(self.slowest_s, checks.slowest_s)

    def __str__(self) -> str:
        besides = "".join(f", {number} {name} killed" for name, number in sorted(self.killed.items()))
        return (
            f"{self.done.total()} steps in {self.seconds:.0f} s; {self.kills} kills{besides}, {self.starts} starts; "
            f"{self.written} events written in {self.turns} turns, {self.lost} lost, {self.doubled} doubled; "
            f"{self.reads} reads of handoffs; slowest to become quiet {self.slowest_s:.1f} s; "
            f"{dict(sorted(self.done.items()))}"
        )


def run(top: Path, plan: Plan) -> Tally:
    """Carries out a plan in the folder `top`, until it is done or something does not hold; prints each step."""
    top.mkdir(exist_ok=True)
    # What an agent's players find their home by.
    with mock.patch.dict(os.environ, {"HOME": str(top / "home")}):
        return _run(top, plan)


def _run(top: Path, plan: Plan) -> Tally:
    chance = random.Random(plan.seed)
    world = World(top, chance)
    if plan.mounts and (chance.random() < 0.7 or list(plan.only) == [disk_full.__name__]):
        world.mount_state()
    world.configure()
    if plan.sabotage:
        world.command = (*ALTERED, SLOW_TWO_STEPS)
    world.forks = plan.forked
    if plan.kills:
        world.hurry()
    checks = Checks(world, plan.patience_s)
    checks.watch.start()
    tally = Tally()
    began = time.monotonic()
    name = "the beginning"
    try:
        with mock.patch.object(uuid, "uuid4", lambda: uuid.UUID(int=chance.getrandbits(128), version=4)):
            world.daemon.wait_until_it_answers()
            world.load.play(12)
            checks.check()
            for fault in _faults(plan, chance, tally, world):
                name, world.noted = fault.__name__, ""
                since = time.monotonic()
                world.load.play(chance.randint(0, 4))
                try:
                    fault(world)
                except NothingToDo:
                    continue
                world.load.play(chance.randint(0, 2))
                checks.check()
                tally.done[name] += 1
                if not plan.quiet:
                    took_s = time.monotonic() - since
                    print(f"{plan.seed:8} {tally.done.total():4} {took_s:6.1f} s  {name}", flush=True)
    except Exception:
        tally.held = False
        print(f"BROKEN at step {tally.done.total() + 1} ({name}), seed {plan.seed}: {world.noted}", file=sys.stderr)
        traceback.print_exc()
        print("\n".join(world.last_lines()), file=sys.stderr, flush=True)
    finally:
        world.close()
        checks.watch.finish()
        if world.mounted:
            subprocess.run(["umount", "-l", str(world.state.root)], check=False)
    tally.seconds = time.monotonic() - began
    tally.count(world, checks)
    return tally


def _faults(plan: Plan, chance: random.Random, tally: Tally, world: World) -> Iterator[Fault]:
    among = {fault: weight for fault, weight in FAULTS.items() if fault.__name__ in plan.only}
    if not world.mounted:
        among.pop(disk_full, None)
    while tally.done.total() < plan.steps or world.kills < plan.kills:
        [fault] = chance.choices(list(among), list(among.values()))
        yield fault
