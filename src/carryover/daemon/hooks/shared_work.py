"""Does work once for all who ask for it at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedWork(Generic[T]):
    """Runs one piece of work of a key at a time. Those who ask while it runs share the next run, which begins after it:
    so no result is older than its question."""

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[T]] = {}
        self._next: dict[Hashable, asyncio.Task[T]] = {}

    async def result(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """The result of `work`, or of that which another asked for by the same key. Raises what the work raises.

        The work is not cancelled with those who wait for it.
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
    """Retrieves an error once all callers are gone, so that asyncio does not report it: it concerned only them."""
    if not task.cancelled():
        task.exception()
