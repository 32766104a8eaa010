"""How many processes a command and a running daemon start, and how often a daemon wakes up that has nothing to do.

The tables hold the most that is allowed; a smaller number goes into the table.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from counted.conftest import BEFORE_NS, World
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, handoff_of, wait_until
from support.hook_client import HookClient, payload_of

SESSION: Final = "c0de0000-0000-4000-8000-000000000001"

WITH_DAEMON: Final = {
    "--help": 0,
    "handoff": 8,
    "handoff --json": 8,
    "sessions": 0,
    "status": 4,
    f"show {SESSION}": 0,
    "search discount": 0,
    "log": 1,
    "why cart.py": 2,  # git's renames, staged and committed
    "why cart.py:1-9": 3,  # what is not committed, who wrote the rest, and these commits
    f"resume {SESSION}": 0,
    "export --for chatgpt": 11,
    "config": 0,
}
"""By command; the daemon has read everything."""

WITHOUT_DAEMON: Final = {"handoff": 12, "sessions": 0, "status": 4, f"show {SESSION}": 0, "search discount": 0}
"""The ledger holds everything, and no daemon runs."""

OF_THE_DAEMON: Final = {
    "nothing for a second": 0,
    "an appended line": 2,
    "a turn ends": 2,
    "a rescan with nothing new": 0,
    "a session starts, nothing new": 2,
}

WAKE_UPS_PER_S: Final = {"all threads": 35, "event loop": 25}
"""The kernel wakes the watcher's thread; it and the event loop have a few timers of a second and more."""

ROUNDS: Final = 2
QUIET_S: Final = 0.5
IDLE_S: Final = 1


def above(counted: Mapping[str, int], most: Mapping[str, int]) -> dict[str, int]:
    """What is above its limit. Prints everything that was counted."""
    print(counted)
    return {what: n for what, n in counted.items() if n > most[what]}


@pytest.mark.night
@pytest.mark.parametrize("most", [WITH_DAEMON, WITHOUT_DAEMON], ids=["with a daemon", "without"])
def test_a_command_starts_no_more_processes_than_it_did(
    world: World, request: pytest.FixtureRequest, most: dict[str, int]
) -> None:
    if most is WITH_DAEMON:
        request.getfixturevalue("with_daemon")
    else:
        world.run("carryover.faces.cli.carryoverd", "--once")

    assert above({command: world.run("carryover.faces.cli.main", *command.split()) for command in most}, most) == {}


@pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")
def test_a_daemon_starts_no_more_processes_than_it_did(world: World, with_daemon: DaemonProcess) -> None:
    # On a busy machine it may still be at the end of its start in the first round.
    wake_ups = min((wake_ups_per_s(with_daemon.pid) for _ in range(ROUNDS)), key=lambda found: found["event loop"])
    session = ClaudeSession(world.home / ".claude" / "projects", world.project)
    session.prompt("Make the export")
    with_daemon.settle()
    hooks = HookClient(with_daemon.state.socket)

    def append(number: int) -> None:
        session.prompt(f"Now make part-{number} of the export")
        wait_until("the line in the handoff", lambda: f"part-{number}" in handoff_of(world.project))

    def turn_ends(number: int) -> None:
        hooks.call("Stop", payload_of(session, "Stop", stop_hook_active=False))
        session.answer(f"Finding-{number}: the export works.")
        wait_until("the answer in the handoff", lambda: f"Finding-{number}" in handoff_of(world.project))

    def starts(_number: int) -> None:
        new = ClaudeSession(session.folder, world.project)
        assert "Finding-" in hooks.call("SessionStart", payload_of(new, "SessionStart", source="startup")).text

    def count(what: str, act: Callable[[int], object]) -> None:
        """Again if it is too many: what else happens in the daemon only adds to a round."""
        counted[what] = OF_THE_DAEMON[what] + 1
        for number in range(ROUNDS):
            if counted[what] > OF_THE_DAEMON[what]:
                mark = world.mark()
                act(number)
                time.sleep(QUIET_S)
                counted[what] = world.started_by(with_daemon.pid, mark)

    counted: dict[str, int] = {}
    count("an appended line", append)
    count("a turn ends", turn_ends)
    os.utime(session.path, ns=(BEFORE_NS, BEFORE_NS))  # what changed just now is read again, to be sure
    with_daemon.settle()
    count("a rescan with nothing new", lambda _: with_daemon.settle())
    count("a session starts, nothing new", starts)
    count("nothing for a second", lambda _: time.sleep(IDLE_S))

    assert above(counted, OF_THE_DAEMON) == {}
    assert above(wake_ups, WAKE_UPS_PER_S) == {}


def wake_ups_per_s(pid: int) -> dict[str, int]:
    """How often a process that has nothing to do wakes up: all its threads, and the first, which has the event loop."""
    before, began = switches(pid), time.monotonic()
    time.sleep(IDLE_S)
    after, took_s = switches(pid), time.monotonic() - began
    woken = {thread: (n - before.get(thread, 0)) / took_s for thread, n in after.items()}
    return {"all threads": round(sum(woken.values())), "event loop": round(woken[pid])}


def switches(pid: int) -> dict[int, int]:
    """How often each thread of the process has given up the processor to wait, by its id."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
            lines = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines())
            found[int(task.name)] = int(lines["voluntary_ctxt_switches"])
    return found
