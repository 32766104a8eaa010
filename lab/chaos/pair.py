"""Two machines that synchronise through a store, while their daemons, syncs and hooks are killed at any moment.

Afterwards each has its own sessions and those of the other one exactly once, and the store is sound.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
import traceback
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from unittest import mock

from carryover.ledger.codec import DamagedBody
from chaos import faults
from chaos.checks import Checks, stored_events
from chaos.load import Kind, chaos_tools
from chaos.run import Plan, Tally
from chaos.world import Broken, World
from support import forked
from support.git_server import remote_at

NAMES: Final = ("laptop", "desktop")
ALLOWED: Final = ("shop", "blog")
"""The projects in which each machine goes on with the other one's work; it must not in the third."""
FIRST_COMMIT_AT: Final = "2026-01-01T00:00:00Z"
AS_SOMEONE: Final = ("-c", "user.name=Chaos", "-c", "user.email=chaos@example.invalid")
LONGEST_SYNC_S: Final = 1.5
LONGEST_HOOK_S: Final = 0.15
HOOK_SCRIPT: Final = b"hook.sh"
_CODE: Final = re.compile(r"\d{4} \d{4} \d{4} \d{4} \d{4}")


class Pair:
    """Both machines, with clones of the same projects. `killed` counts, besides daemons, what else was killed."""

    def __init__(self, top: Path, chance: random.Random) -> None:
        self.chance = chance
        self.store = top / "store.git"
        self.killed: Counter[str] = Counter()
        self.machines = [
            World(top / name, random.Random(chance.random()), first_mark=500_000 * number)
            for number, name in enumerate(NAMES)
        ]
        self._allowed: set[Path] = set()
        self.address, environment = remote_at(self.store)
        for machine in self.machines:
            machine.also.update(environment)
            machine.configure()
            for project in machine.load.projects:
                _begin(project, machine.env())

    @property
    def kills(self) -> int:
        return sum(machine.kills for machine in self.machines) + self.killed.total()

    def join(self) -> None:
        """Has both machines use the store and add each other."""
        first, second = self.machines
        shown = _succeed(first, "sync", "init", self.address, "--name", NAMES[0])
        asked = _succeed(second, "sync", "init", self.address, "--name", NAMES[1])
        for machine, said in ((first, asked), (second, shown)):
            [code] = set(_CODE.findall(said))
            _succeed(machine, "sync", "add-machine", code)

    def allow(self) -> None:
        """Lets the other machine's work into the projects for which that is wanted, once there is some."""
        for machine, other, name in zip(self.machines, self.machines[::-1], NAMES[::-1], strict=True):
            wanted = {project for project in machine.load.projects if project.name in ALLOWED} - self._allowed
            for project in wanted:
                [there] = [one for one in other.load.projects if one.name == project.name]
                if machine.run("link", f"{name}:{there}", ".", cwd=project).returncode == 0:
                    self._allowed.add(project)

    def close(self) -> None:
        for machine in self.machines:
            machine.close()


def run_pair(top: Path, plan: Plan) -> Tally:
    """Carries out a plan in the folder `top` as `chaos.run.run` does, with two machines."""
    top.mkdir(exist_ok=True)
    chance = random.Random(plan.seed)
    pair = Pair(top, chance)
    checks = [Checks(machine, plan.patience_s) for machine in pair.machines]
    tally, began = Tally(), time.monotonic()
    for machine, check in zip(pair.machines, checks, strict=True):
        machine.hurry()
        check.watch.start()
    try:
        with mock.patch.object(uuid, "uuid4", lambda: uuid.UUID(int=chance.getrandbits(128), version=4)):
            for machine in pair.machines:
                machine.daemon.wait_until_it_answers()
                machine.load.play(12)
            pair.join()
            _check(pair, checks, plan.patience_s)
            while pair.kills < plan.kills or tally.done.total() < plan.steps:
                since = time.monotonic()
                _kill_all(pair)
                _check(pair, checks, plan.patience_s)
                tally.done["kill all"] += 1
                if not plan.quiet:
                    took_s = time.monotonic() - since
                    print(f"{plan.seed:8} {tally.done.total():4} {took_s:6.1f} s  {pair.kills} kills", flush=True)
    except Exception:
        tally.held = False
        print(f"BROKEN at step {tally.done.total() + 1}, seed {plan.seed}", file=sys.stderr)
        traceback.print_exc()
        for machine in pair.machines:
            print("\n".join(machine.last_lines()), file=sys.stderr, flush=True)
    finally:
        pair.close()
        for check in checks:
            check.watch.finish()
    tally.seconds = time.monotonic() - began
    tally.killed = pair.killed
    for machine, check in zip(pair.machines, checks, strict=True):
        tally.count(machine, check)
    return tally


def _kill_all(pair: Pair) -> None:
    """Kills the daemons of both machines again and again, and meanwhile syncs and, at times, hooks."""
    over = threading.Event()
    with _hooks_killed(pair) if pair.chance.random() < 0.4 else _nothing(), ThreadPoolExecutor(3) as threads:
        syncs = threads.submit(_kill_syncs, pair, over)
        for work in [threads.submit(faults.kill, machine) for machine in pair.machines]:
            try:
                work.result()
            finally:
                over.set()
        syncs.result()


def _kill_syncs(pair: Pair, over: threading.Event) -> None:
    """Kills syncs in the middle, at times with the git that they started."""
    while not over.is_set():
        machine = pair.chance.choice(pair.machines)
        with forked.start([*forked.CARRYOVER, "sync"], env=machine.env()) as command:
            with suppress(subprocess.TimeoutExpired):
                command.wait(pair.chance.uniform(0, LONGEST_SYNC_S))
            if command.poll() is not None:
                continue
            children = _children(command.pid) if pair.chance.random() < 0.5 else []
            for pid in (*children, command.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            command.wait()
        pair.killed["syncs"] += 1
        pair.killed["gits"] += len(children)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _hooks_killed(pair: Pair) -> Iterator[None]:
    """Meanwhile the hooks that agents run are killed. What was only handed over by them may be missing then."""
    before = [len(machine.load.turns) for machine in pair.machines]
    over = threading.Event()
    killer = threading.Thread(target=_kill_hooks, args=(pair, over))
    killer.start()
    try:
        yield
    finally:
        over.set()
        killer.join()
    for machine, first in zip(pair.machines, before, strict=True):
        for turn in machine.load.turns[first:]:
            turn.on_disk = turn.on_disk and "hooks" not in machine.load.traits_of(turn.tool)


def _kill_hooks(pair: Pair, over: threading.Event) -> None:
    while not over.is_set():
        machine = pair.chance.choice(pair.machines)
        hook = _start_session(machine, pair.chance)
        time.sleep(pair.chance.uniform(0, LONGEST_HOOK_S))
        for pid in _children(os.getpid()):
            with suppress(OSError):
                if HOOK_SCRIPT in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
                    pair.killed["hooks"] += 1
        hook.wait()


def _start_session(machine: World, chance: random.Random) -> subprocess.Popen[bytes]:
    """Runs the hook of an agent's new session, and does not wait for its answer."""
    tool, starts = chance.choice([(tool, tool.starts) for tool in chaos_tools() if tool.starts is not None])
    project = chance.choice(machine.load.projects)
    with machine.load.at_home():
        call = starts(machine.home, project, None)
    command = ["sh", str(machine.state.root / HOOK_SCRIPT.decode()), tool.agent, call.event]
    nowhere = subprocess.DEVNULL
    given = subprocess.PIPE
    hook = subprocess.Popen(command, env=machine.env(), cwd=project, stdin=given, stdout=nowhere, stderr=nowhere)
    assert hook.stdin is not None
    with suppress(BrokenPipeError):
        hook.stdin.write(call.payload)
        hook.stdin.close()
    return hook


def _check(pair: Pair, checks: list[Checks], patience_s: float) -> None:
    _know_guests(pair)
    for check in checks:
        check.check()
    converge(pair, patience_s)
    store_is_sound(pair)
    pair.allow()


def _know_guests(pair: Pair) -> None:
    for machine in pair.machines:
        others = (turn for other in pair.machines if other is not machine for turn in other.load.turns)
        machine.guests = {name: set() for name in ALLOWED}
        for turn in others:
            machine.guests.get(turn.project.name, set()).add(turn.mark)


def converge(pair: Pair, patience_s: float) -> None:
    """Returns once both machines have all of both, each once. Raises Broken if syncs do not lead to that."""
    deadline = time.monotonic() + patience_s
    while True:
        wrong = [problem for machine in (*pair.machines, pair.machines[0]) for problem in _sync(machine)]
        wrong += _apart(pair)
        if not wrong:
            return
        if time.monotonic() > deadline:
            raise Broken("\n".join(wrong[:12]))
        time.sleep(0.1)


def _sync(machine: World) -> list[str]:
    ran = machine.run("sync", "--json")
    if ran.returncode != 0:
        return [f"sync ended with {ran.returncode}: {ran.stderr}"]
    return [f"{name}: {problem}" for name, problem in json.loads(ran.stdout)["problems"].items()]


def _apart(pair: Pair) -> list[str]:
    try:
        here, there = (stored_events(machine.state.ledger) for machine in pair.machines)
    except DamagedBody as error:
        return [str(error)]
    return differences(here, there)


def differences(here: Counter[tuple[Kind, str]], there: Counter[tuple[Kind, str]]) -> list[str]:
    """Returns what is not there exactly once on each of two machines."""
    times = {one: (here[one], there[one]) for one in sorted(here | there)}
    return [f"{kind} {mark} is there {number} times" for (kind, mark), number in times.items() if number != (1, 1)]


def store_is_sound(pair: Pair) -> None:
    command = ["git", "-C", str(pair.store), "fsck", "--strict", "--no-dangling", "--no-progress"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode != 0 or "error" in ran.stderr:
        raise Broken(f"the store is damaged: {ran.stdout}{ran.stderr}")


def _begin(project: Path, env: dict[str, str]) -> None:
    """Makes the project a clone of one that is the same on all machines."""
    dated = {**env, "GIT_AUTHOR_DATE": FIRST_COMMIT_AT, "GIT_COMMITTER_DATE": FIRST_COMMIT_AT}
    for command in (
        (*AS_SOMEONE, "commit", "-q", "--allow-empty", "-m", f"begin {project.name}"),
        ("remote", "add", "origin", f"https://git.example.invalid/{project.name}.git"),
    ):
        subprocess.run(["git", *command], cwd=project, env=dated, check=True)


def _succeed(machine: World, *arguments: str) -> str:
    ran = machine.run(*arguments)
    if ran.returncode != 0:
        raise Broken(f"carryover {' '.join(arguments)} ended with {ran.returncode}: {ran.stderr}")
    return ran.stdout + ran.stderr


def _children(pid: int) -> list[int]:
    found = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += [int(child) for child in (task / "children").read_text().split()]
    return found
