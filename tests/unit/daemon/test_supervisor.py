from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import AsyncMock, Mock

import pytest

from carryover.daemon.log import Log
from carryover.daemon.supervisor import Supervisor, SystemdNotifier, wait_at_most
from support.socket_server import NotifySocket

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has abstract sockets")


@pytest.fixture
def sleeps() -> list[float]:
    return []


@pytest.fixture
def supervisor(sleeps: list[float]) -> Supervisor:
    """One whose time passes only by sleeping."""

    async def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        await asyncio.sleep(0)

    return Supervisor(Log(lambda *_: None), clock=lambda: sum(sleeps), sleep=sleep)


async def test_a_task_that_fails_is_started_again_after_its_back_off(
    supervisor: Supervisor, sleeps: list[float]
) -> None:
    run = AsyncMock(side_effect=[KeyError("words from a transcript")] * 3 + [None])
    async with supervisor:
        supervisor.start("watcher", run)
        await supervisor.stop(["watcher"], within_s=5)

    state = supervisor.states["watcher"]
    assert (sleeps, state.state, state.restarts) == ([0.5, 1, 2], "stopped", 3)
    assert not supervisor.vital_failed.is_set()


async def test_a_vital_task_that_fails_is_not_started_again_and_stops_the_daemon(
    supervisor: Supervisor, sleeps: list[float]
) -> None:
    async with supervisor:
        supervisor.start("publisher", AsyncMock(side_effect=KeyError), vital=True)
        await asyncio.wait_for(supervisor.vital_failed.wait(), 5)

    assert (sleeps, supervisor.states["publisher"].state) == ([], "failed")


async def test_it_is_healthy_while_every_vital_task_runs(supervisor: Supervisor) -> None:
    may_end = asyncio.Event()

    async def ends() -> None:
        await may_end.wait()

    async with supervisor:
        supervisor.start("watcher", AsyncMock(side_effect=OSError))
        supervisor.start("reader", ends, vital=True)
        await asyncio.sleep(0)
        assert supervisor.healthy, "what is not vital may fail"

        may_end.set()
        await supervisor.stop(["reader"], within_s=5)
        assert not supervisor.healthy, "a vital task that ended does its work no more, failed or not"


async def test_a_task_that_is_stopped_as_its_event_is_set_ends(supervisor: Supervisor) -> None:
    requested = asyncio.Event()

    async def rescans() -> None:
        while True:
            requested.clear()
            await wait_at_most(requested, 300)

    async with supervisor, asyncio.timeout(5):
        supervisor.start("rescanner", rescans)
        await asyncio.sleep(0.01)
        requested.set()
        await supervisor.stop(["rescanner"])

    assert supervisor.states["rescanner"].state == "stopped"


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[NotifySocket]:
    with NotifySocket(str(tmp_path / "notify")) as listening:
        yield listening


def notifier(address: str, **env: str) -> SystemdNotifier:
    return SystemdNotifier({"NOTIFY_SOCKET": address, **env}, Log(lambda *_: None))


@pytest.mark.parametrize("abstract", [False, pytest.param(True, marks=needs_linux)])
async def test_it_says_when_the_daemon_answers_and_when_it_stops(tmp_path: Path, abstract: bool) -> None:
    with NotifySocket(f"@carryover-test-{os.getpid()}" if abstract else str(tmp_path / "notify")) as systemd:
        for message in ("READY=1", "STOPPING=1"):
            await notifier(systemd.address).send(message)

        assert systemd.pending() == ["READY=1", "STOPPING=1"]


def test_programs_started_from_the_daemon_do_not_speak_for_it(tmp_path: Path) -> None:
    env = {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid()), "HOME": "/h"}
    reported = SystemdNotifier(env, Log(lambda *_: None))

    assert (reported.watchdog_s, env) == (60.0, {"HOME": "/h"})


@pytest.mark.parametrize(
    ("address", "usec", "pid"),
    [
        *(("/run/notify", "1000000", pid) for pid in ("1", "x")),
        *((address, "1000000", "") for address in ("", "vsock:2:1")),
        *(("/run/notify", usec, "") for usec in ("0", "", "-5", "soon", "²")),
    ],
)
async def test_a_watchdog_that_makes_no_sense_or_is_meant_for_another_is_none(
    address: str, usec: str, pid: str
) -> None:
    """Where nobody listens, nothing happens."""
    reported = notifier(address, WATCHDOG_USEC=usec, WATCHDOG_PID=pid)
    if address != "/run/notify":
        await reported.send("READY=1")

    assert reported.watchdog_s is None


async def test_signs_of_life_are_given_only_while_the_daemon_is_healthy(systemd: NotifySocket) -> None:
    healthy = Mock(side_effect=[True, True, False, False, True, asyncio.CancelledError])
    with pytest.raises(asyncio.CancelledError):
        await notifier(systemd.address, WATCHDOG_USEC="20000").keep_alive(healthy)

    assert systemd.pending() == ["WATCHDOG=1"] * 3


async def test_a_message_waits_for_a_receiver_that_is_busy(systemd: NotifySocket) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                other.sendto(b"NOISE=1", systemd.address)

    async with asyncio.TaskGroup() as group:
        group.create_task(notifier(systemd.address).send("READY=1"))
        await asyncio.sleep(0)  # it has tried once, and found no room
        assert set(systemd.pending()) == {"NOISE=1"}
        assert await systemd.next() == ["READY=1"]
