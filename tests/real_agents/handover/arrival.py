"""When something first stood in a file, noted while the clients are at work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from real_agents.lab.box import POLL_S

LIMIT_S: Final = 20.0


class Arrival:
    """Looks every 20 ms until `true`, which may be late by that and never early."""

    def __init__(self, true: Callable[[], bool]) -> None:
        self._true = true
        self._at_s: float | None = None
        self._over = threading.Event()
        self._looking = threading.Thread(target=self._look, daemon=True)
        self._looking.start()

    def at_s(self) -> float:
        """When it was first so, in seconds since the epoch. Raises TimeoutError when that is not soon."""
        self._looking.join(LIMIT_S)
        if self._at_s is None:
            raise TimeoutError(f"not within {LIMIT_S} s")
        return self._at_s

    def stop(self) -> None:
        self._over.set()
        self._looking.join()

    def _look(self) -> None:
        while not self._over.wait(POLL_S):
            if self._true():
                self._at_s = time.time()
                return


@contextmanager
def awaited(true: Callable[[], bool]) -> Iterator[Arrival]:
    arrival = Arrival(true)
    try:
        yield arrival
    finally:
        arrival.stop()
