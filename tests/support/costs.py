"""What a piece of work may cost, told against plain work of the same machine in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
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


def costing_much(work: Callable[[str], object], texts: Iterable[str], loops: int = 200) -> list[str]:
    """The texts that `work` takes more processor time for than so many empty loops do, each with how many.

    Each by itself: what grows with the square of one text would hardly show among many others.
    """
    before_s, took = _loop_s(), []
    for text in texts:
        begun_s = time.process_time()
        work(text)
        took.append((time.process_time() - begun_s, text))
    loop_s = max(before_s, _loop_s())
    return [f"{took_s / loop_s:.0f} loops for {text[:60]!r}" for took_s, text in took if took_s > loops * loop_s]
