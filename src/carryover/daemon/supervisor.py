"""The supervisor, which owns all of the daemon's tasks, and the reports to systemd, which owns the process.

A vital task that fails stops the daemon (the service manager restarts it). Any other is restarted after a back-off that
doubles from 0.5 s to 30 s and is reset once the task has been healthy for a minute.

The protocol of systemd is sd_notify(3): lines of `NAME=value` in one datagram to the Unix socket that `NOTIFY_SOCKET`
names, where a leading `@` means the abstract namespace. `WATCHDOG_USEC` is the interval within which it expects a
keep-alive. Without these variables, nothing is sent.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from types import TracebackType
from typing import Final

from carryover.daemon.health import TaskState
from carryover.daemon.log import Log, Word, describe

FIRST_DELAY_S: Final = 0.5
LONGEST_DELAY_S: Final = 30.0
HEALTHY_AFTER_S: Final = 60.0

Run = Callable[[], Awaitable[None]]
OnCrash = Callable[[BaseException, str], object]
"""Called with an unhandled error and the name of its task."""
OnFailure = Callable[[Exception], Awaitable[None]]
"""Called with the error of a task that will be restarted."""


async def _nothing(_error: Exception) -> None: ...


class Supervisor:
    """Starts and restarts tasks. An async context manager: leaving it stops the tasks that still run."""

    def __init__(
        self,
        log: Log,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_crash: OnCrash = lambda _error, _task: None,
        on_failure: OnFailure = _nothing,
    ) -> None:
        self._log = log
        self._on_crash = on_crash
        self._on_failure = on_failure
        self._clock = clock
        self._sleep = sleep
        self._group = asyncio.TaskGroup()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._states: dict[str, TaskState] = {}
        self._vital: set[str] = set()
        self.vital_failed = asyncio.Event()
        """Set when a vital task has failed: the daemon must stop."""

    async def __aenter__(self) -> Supervisor:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks.values():
            task.cancel()
        await self._group.__aexit__(kind, error, traceback)

    def start(self, name: str, run: Run, *, vital: bool = False) -> None:
        """Starts the task `name`; `run` is called again for each restart."""
        state = self._states[name] = TaskState(name)
        if vital:
            self._vital.add(name)
        self._tasks[name] = self._group.create_task(self._keep_running(state, run), name=name)

    async def stop(self, name: str, *, within_s: float = 0.0) -> None:
        """Waits at most `within_s` for `name` to end, then cancels it and waits until it has ended."""
        task = self._tasks[name]
        done, _ = await asyncio.wait({task}, timeout=within_s)
        if not done:
            task.cancel()
            await asyncio.wait({task})

    @property
    def healthy(self) -> bool:
        """Whether every vital task is running."""
        return all(self._states[name].state == "running" for name in self._vital)

    def states(self) -> list[TaskState]:
        """Returns the state of each task, in starting order."""
        return list(self._states.values())

    async def _keep_running(self, state: TaskState, run: Run) -> None:
        failures_in_a_row = 0
        try:
            while True:
                started = self._clock()
                state.state = "running"
                try:
                    return await run()
                except Exception as error:
                    state.last_error = describe(error)
                    if state.name in self._vital:
                        return self._vital_one_failed(state, error)
                    was_healthy = self._clock() - started >= HEALTHY_AFTER_S
                    failures_in_a_row = 1 if was_healthy else failures_in_a_row + 1
                    await self._one_failed(state, error, delay_s(failures_in_a_row))
                await self._sleep(delay_s(failures_in_a_row))
        finally:
            if state.state != "failed":
                state.state = "stopped"

    def _vital_one_failed(self, state: TaskState, error: Exception) -> None:
        state.state = "failed"
        self._log.error("vital_task_failed", error, task=Word(state.name))
        self._on_crash(error, state.name)
        self.vital_failed.set()

    async def _one_failed(self, state: TaskState, error: Exception, retry_s: float) -> None:
        state.state = "waiting"
        state.restarts += 1
        self._log.error("task_failed", error, task=Word(state.name), retry_s=retry_s)
        if not isinstance(error, OSError):  # the machine's trouble, which may pass
            self._on_crash(error, state.name)
        await self._on_failure(error)


def delay_s(failures_in_a_row: int) -> float:
    """Returns how many seconds to wait after the nth consecutive failure (from 1)."""
    return min(FIRST_DELAY_S * 2.0 ** (min(failures_in_a_row, 16) - 1), LONGEST_DELAY_S)


async def wait_at_most(event: asyncio.Event, seconds: float | None) -> None:
    """Waits until `event` is set, but no longer than `seconds`; None: however long that takes.

    `asyncio.wait_for` (Python 3.11) loses a cancellation that comes together with the event, and the task runs on.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


SEND_S: Final = 2.0
"""How long systemd may take to have room for a message."""


class SystemdNotifier:
    """Sends messages to the systemd that supervises this process. Logs socket errors."""

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
        """Sends keep-alives while `healthy`, if there is a watchdog.

        Runs until cancelled, in the event loop, so that a hung loop stops the keep-alives.
        """
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
