"""Shares one piece of work among all concurrent callers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedWork(Generic[T]):
    """Runs the work of a key one at a time. Callers that arrive during a run share the next one.

    That run begins after they called, so no result is older than its request.
    """

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[T]] = {}
        self._next: dict[Hashable, asyncio.Task[T]] = {}

    async def result(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Returns the result of `work`, or of another caller's work for the same key. Raises what the work raises.

        The work is not cancelled along with its callers.
        """
        task = self._next.get(key)
        if task is None:
            task = asyncio.create_task(self._run(key, self._running.get(key), work))
            task.add_done_callback(_seen)
            self._next[key] = task
        return await asyncio.shield(task)

    async def _run(self, key: Hashable, before: asyncio.Task[T] | None, work: Callable[[], Awaitable[T]]) -> T:
        if before is not None:
            await asyncio.wait({before})
        task = self._running[key] = self._next.pop(key)
        try:
            return await work()
        finally:
            if self._running.get(key) is task:
                del self._running[key]


def _seen(task: asyncio.Task[T]) -> None:
    """Retrieves an error after all callers have gone, since asyncio would otherwise report it."""
    if not task.cancelled():
        task.exception()
