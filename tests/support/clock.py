"""Time for tests, and what was logged meanwhile."""

import asyncio

from carryover.model import AnyBody, StoredEvent


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


LATER_MS = 1_900_000_000_000
"""For what is read in a test: after every time that a test or a recording names."""


class LogLines(list[str]):
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


BEGAN_MS = 1_795_156_858_000
"""2026-11-20 06:40:58 UTC."""


def stored(*bodies: AnyBody, subagent_id: str | None = None, retracted: bool = False) -> list[StoredEvent]:
    return [
        StoredEvent(at_ms=BEGAN_MS + number * 1_000, subagent_id=subagent_id, body=body, retracted=retracted)
        for number, body in enumerate(bodies)
    ]
