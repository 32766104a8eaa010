"""What a piece of work may cost, told against plain work of the same machine in the same run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

TURNS = 400_000
"""Of a loop that does nothing: some 15 ms of a processor of 2024."""


def _loop_s() -> float:
    begun_s = time.process_time()
    for _ in range(TURNS):
        pass
    return time.process_time() - begun_s


@contextmanager
def costing_little(loops: int = 100) -> Iterator[None]:
    """The work takes at most as much processor time as so many empty loops, run right before and after it.

    What tries a text again from each of its places takes far longer, on a slow machine as on a fast one.
    """
    before_s, begun_s = _loop_s(), time.process_time()
    yield
    took_s = time.process_time() - begun_s
    share = took_s / max(before_s, _loop_s())
    assert share < loops, f"as much as {share:.0f} empty loops"
