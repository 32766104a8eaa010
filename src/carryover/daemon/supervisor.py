"""The supervisor, which owns all of the daemon's tasks.

A vital task that fails stops the daemon (the service manager restarts it). Any other is restarted after a back-off that
doubles from 0.5 s to 30 s and is reset once the task has been healthy for a minute.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
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
        keeper = self._run_once(state, run) if vital else self._keep_running(state, run)
        self._tasks[name] = self._group.create_task(keeper, name=name)

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

    async def _run_once(self, state: TaskState, run: Run) -> None:
        try:
            await run()
            state.state = "stopped"
        except asyncio.CancelledError:
            state.state = "stopped"
            raise
        except Exception as error:
            state.state = "failed"
            state.last_error = describe(error)
            self._log.error("vital_task_failed", error, task=Word(state.name))
            self._on_crash(error, state.name)
            self.vital_failed.set()

    async def _keep_running(self, state: TaskState, run: Run) -> None:
        failures_in_a_row = 0
        try:
            while True:
                started = self._clock()
                try:
                    state.state = "running"
                    await run()
                    break
                except Exception as error:
                    was_healthy = self._clock() - started >= HEALTHY_AFTER_S
                    failures_in_a_row = 1 if was_healthy else failures_in_a_row + 1
                    state.state = "waiting"
                    state.restarts += 1
                    state.last_error = describe(error)
                    self._log.error("task_failed", error, task=Word(state.name), retry_s=delay_s(failures_in_a_row))
                    if not isinstance(error, OSError):  # the machine's trouble, which may pass
                        self._on_crash(error, state.name)
                    await self._on_failure(error)
                await self._sleep(delay_s(failures_in_a_row))
        finally:
            state.state = "stopped"


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
