"""The supervisor, which owns all of the daemon's tasks, and the reports to systemd, which owns the process: lines of
`NAME=value` in a datagram to the socket that `NOTIFY_SOCKET` names (`@`: in the abstract namespace), see sd_notify(3).
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, MutableMapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Final

from carryover.daemon.health import TaskState
from carryover.daemon.log import Log, Word, type_and_place

FIRST_DELAY_S: Final = 0.5
LONGEST_DELAY_S: Final = 30.0
HEALTHY_AFTER_S: Final = 60.0
_Run = Callable[[], Coroutine[Any, Any, None]]


class Supervisor:
    """Starts tasks, and cancels them all as its block is left.

        async with Supervisor(log) as supervisor:
            supervisor.start("control", serve, vital=True)
            await supervisor.vital_failed.wait()

    A task that is not vital is restarted after a back-off of 0.5 to 30 s. One that is only sets `vital_failed`: whoever
    waits for that ends the daemon.
    """

    def __init__(
        self,
        log: Log,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_failure: Callable[[Exception], Awaitable[None]] | None = None,
    ) -> None:
        """`on_failure` gets the error of a task that restarts."""
        self._log = log
        self._on_failure = on_failure
        self._clock = clock
        self._sleep = sleep
        self._group = asyncio.TaskGroup()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.states: dict[str, TaskState] = {}
        """The state of each task by its name, in starting order."""
        self._vital: set[str] = set()
        self.vital_failed = asyncio.Event()

    async def __aenter__(self) -> Supervisor:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks.values():
            task.cancel()
        await self._group.__aexit__(kind, error, traceback)

    def start(self, name: str, run: _Run, *, vital: bool = False) -> None:
        """Starts the task `name`; `run` is called again for each restart."""
        state = self.states[name] = TaskState(name)
        if vital:
            self._vital.add(name)
        self._tasks[name] = self._group.create_task(self._keep_running(state, run), name=name)

    async def stop(self, names: Iterable[str], *, within_s: float = 0.0) -> None:
        """Waits at most `within_s` for these tasks to end, then cancels them and waits until they have ended."""
        tasks = [self._tasks[name] for name in names]
        await asyncio.wait(tasks, timeout=within_s)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    @property
    def healthy(self) -> bool:
        """Whether every vital task is running."""
        return all(self.states[name].state == "running" for name in self._vital)

    async def _keep_running(self, state: TaskState, run: _Run) -> None:
        failures_in_a_row = 0
        try:
            while True:
                started = self._clock()
                state.state = "running"
                try:
                    return await run()
                except Exception as error:
                    was_healthy = self._clock() - started >= HEALTHY_AFTER_S
                    failures_in_a_row = 1 if was_healthy else failures_in_a_row + 1
                    await self._failed(state, error, delay_s(failures_in_a_row))
                    if state.name in self._vital:
                        return None
                await self._sleep(delay_s(failures_in_a_row))
        finally:
            if state.state != "failed":
                state.state = "stopped"

    async def _failed(self, state: TaskState, error: Exception, retry_s: float) -> None:
        state.last_error = type_and_place(error)
        if state.name in self._vital:
            state.state = "failed"
            self._log.error("vital_task_failed", error, task=Word(state.name))
            self.vital_failed.set()
            return
        state.state = "waiting"
        state.restarts += 1
        self._log.error("task_failed", error, task=Word(state.name), retry_s=retry_s)
        if self._on_failure is not None:
            await self._on_failure(error)


def together(*runs: _Run) -> _Run:
    """Returns what runs all of `runs` until they end, or until one fails, with whose error it ends."""

    async def run() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for each in runs:
                    group.create_task(each())
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    return run


def delay_s(failures_in_a_row: int) -> float:
    """Returns how many seconds to wait after the nth consecutive failure (from 1)."""
    return min(FIRST_DELAY_S * 2.0 ** (min(failures_in_a_row, 16) - 1), LONGEST_DELAY_S)


async def wait_at_most(event: asyncio.Event, seconds: float | None) -> None:
    """Waits until `event` is set, for at most `seconds`. `asyncio.wait_for` (Python 3.11) can lose a cancellation."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


SEND_S: Final = 2.0
"""How long systemd may take to have room for a message."""


class SystemdNotifier:
    """Sends messages to the systemd that supervises this process, if one does. Logs socket errors."""

    def __init__(self, env: MutableMapping[str, str], log: Log) -> None:
        """Removes systemd's variables from `env`, so that child processes do not use them."""
        self._address = _address(env)
        self._log = log
        env.pop("NOTIFY_SOCKET", "")
        usec, pid = env.pop("WATCHDOG_USEC", ""), env.pop("WATCHDOG_PID", "")
        watched = usec.isascii() and usec.isdigit() and int(usec) > 0 and pid in ("", str(os.getpid()))
        self.watchdog_s = int(usec) / 1_000_000 if watched and self._address is not None else None
        """Seconds without a sign of life after which the process is killed; None without a watchdog."""

    async def send(self, message: str) -> None:
        """Sends a message, such as `READY=1`."""
        if self._address is None:
            return
        try:
            with _socket() as sender:
                async with asyncio.timeout(SEND_S):
                    await asyncio.get_running_loop().sock_sendto(sender, message.encode(), self._address)
        except OSError as error:
            self._log.error("notify_failed", error)

    async def keep_alive(self, healthy: Callable[[], bool]) -> None:
        """Sends keep-alives while `healthy`, if there is a watchdog. Runs in the event loop: a hung loop sends none."""
        while self.watchdog_s is not None:
            if healthy():
                await self.send("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_s / 2)


def report_waiting(env: Mapping[str, str], status: str) -> bool:
    """Tells systemd, before anything runs, what the daemon is waiting for (one line); False if it is not supervised."""
    address = _address(env)
    if address is None:
        return False
    with suppress(OSError), _socket() as sender:
        sender.sendto(f"STATUS={status}".encode(), address)
    return True


def _address(env: Mapping[str, str]) -> str | None:
    address = env.get("NOTIFY_SOCKET", "")
    return address.replace("@", "\0", 1) if address.startswith("@") else address if address.startswith("/") else None


def _socket() -> socket.socket:
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.setblocking(False)
    return sender
