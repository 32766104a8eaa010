"""Time for tests."""

from __future__ import annotations


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


LATER_MS = 1_900_000_000_000
"""For what is read in a test: after every time that a test or a recording names."""
