"""Waiting for another process: nothing tells a test that a screen or a file has changed, so it looks again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

LOOK_S: Final = 0.02


def wait_until(true: Callable[[], bool], timeout_s: float = 20) -> float:
    """Waits until it is true and says how many seconds that took. Raises TimeoutError."""
    start = time.monotonic()
    while not true():
        if time.monotonic() - start > timeout_s:
            raise TimeoutError(f"not within {timeout_s} s")
        time.sleep(LOOK_S)
    return time.monotonic() - start
