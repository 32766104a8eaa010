"""What was logged, and a way to wait for more of it."""

from __future__ import annotations

import asyncio


class LogLines(list[str]):
    """Lines without times and levels."""

    def __init__(self) -> None:
        super().__init__()
        self._added = asyncio.Event()

    def add(self, line: str) -> None:
        self.append(line)
        self._added.set()

    async def until(self, event: str) -> None:
        """Wait until something called `event` was logged."""
        while not any(line.startswith(event) for line in self):
            self._added.clear()
            await asyncio.wait_for(self._added.wait(), 20)
