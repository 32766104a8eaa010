"""What a running daemon does for one appended line, a hook, a rescan, a command, and for nothing.

The tables hold today's numbers, the least of a few rounds: what else happens in the daemon only adds to a round.
`pytest tests/counted/test_daemon.py -rP` prints them; a smaller one goes into the table.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from counted.bounds import exceeding
from counted.conftest import BEFORE_NS, World
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, handoff_of, wait_until
from support.hook_client import HookClient, payload_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")

COLUMNS: Final = ("files", "folders", "connections", "statements", "transactions", "processes", "kB read", "kB written")
"""Files and folders that were opened; connections to the ledger, statements and explicit transactions; processes
started; what was read and written in all by system calls, for the ledger too."""

MOST: Final = {
    "nothing for a second": (0, 0, 0, 0, 0, 0, 0, 0),
    "an appended line": (76, 1, 1, 38, 3, 6, 185, 160),
    "a turn ends": (78, 1, 2, 40, 3, 6, 230, 110),
    "a rescan with nothing new": (0, 3, 0, 0, 0, 0, 2, 0),
    "a session starts, nothing new": (12, 2, 3, 33, 1, 2, 155, 1),
}
WAKE_UPS_PER_S: Final = {
    "idle since the start": {"all threads": 130, "event loop": 25},
    "just after some work": {"all threads": 180, "event loop": 15},
}
"""The watcher's thread wakes up every 25 ms, every 8 ms while somebody is at work, and the event loop for a few timers
of a second and more."""

ROUNDS: Final = 2
QUIET_S: Final = 0.1
IDLE_S: Final = 1
LONG_BYTES: Final = 2_000_000


def test_what_happens_in_a_daemon_costs_no_more_than_it_did(world: World, with_daemon: DaemonProcess) -> None:
    meter = Meter(world, with_daemon)
    wake_ups = {"idle since the start": wake_ups_per_s(with_daemon.pid)}
    after_work: list[dict[str, int]] = []
    session = long_session(world)
    with_daemon.settle()
    hooks = HookClient(with_daemon.state.socket)

    def append(number: int) -> None:
        session.prompt(f"Now make part-{number} of the export")
        wait_until("the line in the handoff", lambda: f"part-{number}" in handoff_of(world.project))

    def turn_ends(number: int) -> None:
        message = f"Finding-{number}: the export works."
        hooks.call("Stop", payload_of(session, "Stop", last_assistant_message=message, stop_hook_active=False))
        wait_until("the answer in the handoff", lambda: f"Finding-{number}" in handoff_of(world.project))

    def starts(_number: int) -> None:
        new = ClaudeSession(session.folder, world.project)
        assert "Finding-" in hooks.call("SessionStart", payload_of(new, "SessionStart", source="startup")).text

    least = {"an appended line": meter.least(append), "a turn ends": meter.least(turn_ends)}
    os.utime(session.path, ns=(BEFORE_NS, BEFORE_NS))  # what changed just now is read again, to be sure
    with_daemon.settle()
    least |= {
        "a rescan with nothing new": meter.least(lambda _: with_daemon.settle()),
        "a session starts, nothing new": meter.least(starts),
        "nothing for a second": meter.least(lambda _: after_work.append(wake_ups_per_s(with_daemon.pid))),
    }
    wake_ups["just after some work"] = least_of(after_work)

    assert exceeding(least, {what: dict(zip(COLUMNS, row, strict=True)) for what, row in MOST.items()}) == []
    assert exceeding(wake_ups, WAKE_UPS_PER_S) == []


def long_session(world: World) -> ClaudeSession:
    """One whose transcript is so long that reading it again would show."""
    session = ClaudeSession(world.home / ".claude" / "projects", world.project)
    session.now -= timedelta(hours=1)  # a hook's report of now is then newer
    session.prompt("Make the export")
    while session.path.stat().st_size < LONG_BYTES:
        session.append(session.result_line("toolu_1", "x" * 50_000))
    return session


def least_of(rounds: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """The least of each number."""
    return {kind: min(counts[kind] for counts in rounds) for kind in rounds[0]}


class Meter:
    """Counts what the daemon does in a few rounds."""

    def __init__(self, world: World, daemon: DaemonProcess) -> None:
        self._journal = world.journal
        self._daemon = daemon
        self._round = 0

    def least(self, act: Callable[[int], object]) -> dict[str, int]:
        """The least of each number of `COLUMNS` while `act` is called, and after it until the daemon is quiet."""
        self._wait_until_quiet()
        return least_of([self._counted(act) for _ in range(ROUNDS)])

    def _counted(self, act: Callable[[int], object]) -> dict[str, int]:
        self._round += 1
        mark, before = self._journal.mark(), io_bytes(self._daemon.pid)
        act(self._round)
        self._wait_until_quiet()
        after = io_bytes(self._daemon.pid)
        of = self._journal.since(mark, self._daemon.pid)
        lists = (of.opened, of.listed, of.databases, of.statements)
        bytes_read, bytes_written = (now - was for now, was in zip(after, before, strict=True))
        counts = (*map(len, lists), of.transactions, len(of.processes))
        kilobytes = (bytes_read // 1000, (bytes_written - of.recorded_bytes) // 1000)
        return dict(zip(COLUMNS, (*counts, *kilobytes), strict=True))

    def _wait_until_quiet(self) -> None:
        seen, since = self._journal.mark(), time.monotonic()
        while time.monotonic() - since < QUIET_S:
            time.sleep(0.01)
            if self._journal.mark() != seen:
                seen, since = self._journal.mark(), time.monotonic()


def io_bytes(pid: int) -> tuple[int, int]:
    """What the process has read and written so far, in bytes."""
    counts = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(counts["rchar"]), int(counts["wchar"])


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
        lines = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines())
        found[int(task.name)] = int(lines["voluntary_ctxt_switches"])
    return found
