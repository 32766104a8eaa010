from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from carryover.daemon.log import Log
from carryover.daemon.sd_notify import SystemdNotifier
from support.log_lines import LogLines
from support.notify_socket import NotifySocket


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[NotifySocket]:
    with NotifySocket(str(tmp_path / "notify")) as listening:
        yield listening


def notifier(address: str, log: Log, **env: str) -> SystemdNotifier:
    return SystemdNotifier.of({"NOTIFY_SOCKET": address, **env}, log)


async def test_it_says_when_the_daemon_answers_and_when_it_stops(systemd: NotifySocket, log: Log) -> None:
    reported = notifier(systemd.address, log)

    await reported.send("READY=1")
    await reported.send("STOPPING=1")

    assert systemd.pending() == ["READY=1", "STOPPING=1"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has abstract sockets")
async def test_an_address_may_be_abstract(log: Log) -> None:
    with NotifySocket(f"@carryover-test-{os.getpid()}") as systemd:
        await notifier(systemd.address, log).send("READY=1")

        assert systemd.pending() == ["READY=1"]


@pytest.mark.parametrize("env", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1234"}])
async def test_where_nobody_listens_nothing_happens(env: dict[str, str], log: Log, lines: LogLines) -> None:
    reported = SystemdNotifier.of({**env, "WATCHDOG_USEC": "1000000"}, log)
    await reported.send("READY=1")

    assert (reported.watchdog_s, lines) == (None, [])


def test_programs_started_from_the_daemon_do_not_speak_for_it(log: Log) -> None:
    env = {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid()), "HOME": "/h"}
    reported = SystemdNotifier.of(env, log)

    assert (reported.watchdog_s, env) == (60.0, {"HOME": "/h"})


@pytest.mark.parametrize("pid", ["1", "", "x"])
@pytest.mark.parametrize("usec", ["0", "", "-5", "soon", "²"])
def test_a_watchdog_that_makes_no_sense_or_is_meant_for_another_is_none(usec: str, pid: str, log: Log) -> None:
    assert notifier("/run/notify", log, WATCHDOG_USEC=usec, WATCHDOG_PID=pid).watchdog_s is None
    assert notifier("/run/notify", log, WATCHDOG_USEC="1000000", WATCHDOG_PID="1").watchdog_s is None


async def test_signs_of_life_are_given_only_while_the_daemon_is_healthy(systemd: NotifySocket, log: Log) -> None:
    reported = notifier(systemd.address, log, WATCHDOG_USEC="20000")
    looks = iter([True, True, False, False, True])

    def healthy() -> bool:
        try:
            return next(looks)
        except StopIteration:
            raise asyncio.CancelledError from None

    with pytest.raises(asyncio.CancelledError):
        await reported.keep_alive(healthy)

    assert systemd.pending() == ["WATCHDOG=1"] * 3


async def test_a_message_waits_for_a_receiver_that_is_busy(systemd: NotifySocket, log: Log) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                other.sendto(b"NOISE=1", systemd.address)

    async with asyncio.TaskGroup() as group:
        group.create_task(notifier(systemd.address, log).send("READY=1"))
        await asyncio.sleep(0)  # it has tried once, and found no room
        assert set(systemd.pending()) == {"NOISE=1"}
        assert await systemd.next() == ["READY=1"]
