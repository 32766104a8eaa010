from __future__ import annotations

import asyncio

import pytest

from carryover.daemon.log import Log
from carryover.daemon.supervisor import Supervisor, wait_at_most


class Time:
    """A clock that moves only by sleeping; remembers how long each sleep was."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.sleeps.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def supervisor(time: Time, lines: list[str]) -> Supervisor:
    return Supervisor(Log(lambda _level, text: lines.append(text)), clock=time.clock, sleep=time.sleep)


async def test_a_task_that_fails_is_started_again_after_its_back_off(supervisor: Supervisor, time: Time) -> None:
    runs = 0

    async def fails_three_times() -> None:
        nonlocal runs
        runs += 1
        if runs <= 3:
            raise KeyError("words from a transcript")

    async with supervisor:
        supervisor.start("watcher", fails_three_times)
        await supervisor.stop("watcher", within_s=5)

    assert time.sleeps == [0.5, 1, 2]
    [state] = supervisor.states()
    assert (state.state, state.restarts) == ("stopped", 3)
    assert not supervisor.vital_failed.is_set()


async def test_a_vital_task_that_fails_is_not_started_again_and_stops_the_daemon(
    supervisor: Supervisor, time: Time
) -> None:
    async def fails() -> None:
        raise KeyError

    async with supervisor:
        supervisor.start("publisher", fails, vital=True)
        await asyncio.wait_for(supervisor.vital_failed.wait(), 5)

    assert time.sleeps == []
    assert [state.state for state in supervisor.states()] == ["failed"]


async def test_it_is_healthy_while_every_vital_task_runs(supervisor: Supervisor) -> None:
    may_end = asyncio.Event()

    async def fails() -> None:
        raise OSError

    async def ends() -> None:
        await may_end.wait()

    async with supervisor:
        supervisor.start("watcher", fails)
        supervisor.start("reader", ends, vital=True)
        await asyncio.sleep(0)
        assert supervisor.healthy, "what is not vital may fail"

        may_end.set()
        await supervisor.stop("reader", within_s=5)
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
        await supervisor.stop("rescanner")

    assert [state.state for state in supervisor.states()] == ["stopped"]
