"""How time and memory are taken, and the rows that the table is made of."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table. `ratio` is the product's figure over the floor's, wherever both measure the same.

    `key` names the figure where there is a goal for it (`goals.py`); `value` and `bare` are then the two as numbers.
    """

    what: str
    product: str
    floor: str = ""
    ratio: float | None = None
    key: str = ""
    value: float | None = None
    bare: float | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """What a function gave in a process of its own. `peak_bytes` and `start_bytes` are None where /proc is missing.

    `cpu_s` counts the processes that it started, too.
    """

    value: Any
    wall_s: float
    cpu_s: float
    start_bytes: int | None
    peak_bytes: int | None


def in_own_process(work: Callable[..., Any], *arguments: Any) -> Run:
    """Run `work` in a fresh process, so that neither memory nor warm caches of another measurement count."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_measured, work, arguments).result()


def _measured(work: Callable[..., Any], arguments: Sequence[Any]) -> Run:
    start_bytes = memory(os.getpid(), "VmRSS")
    started, cpu = time.perf_counter(), _processor_s()
    value = work(*arguments)
    wall_s, cpu_s = time.perf_counter() - started, _processor_s() - cpu
    return Run(value, wall_s, cpu_s, start_bytes, memory(os.getpid(), "VmHWM"))


def _processor_s() -> float:
    """Of this process and of its children that have ended."""
    used = os.times()
    return time.process_time() + used.children_user + used.children_system


def memory(pid: int, field: str) -> int | None:
    """A field of a process's memory in bytes: `VmRSS` now, `VmHWM` the most so far. None where there is no /proc."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return None
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(f"{field}:")), None)


def timed(work: Callable[[], T], times: int = 1) -> tuple[float, T]:
    took = []
    for _ in range(times):
        started = time.perf_counter()
        value = work()
        took.append(time.perf_counter() - started)
    return statistics.median(took), value


def at(values: Iterable[float], share: float) -> float:
    """The value that `share` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def compared(what: str, product: float | None, floor: float | None, unit: str, key: str = "") -> Row:
    """A row of two figures of the same kind; `floor` is None for one that has none."""
    ratio = product / floor if product is not None and floor else None
    return Row(what, shown(product, unit), "" if floor is None else shown(floor, unit), ratio, key, product, floor)


@dataclass(slots=True)
class Pairs:
    """Seconds, one for each time that something was done: by the product, and by what it cannot be faster than."""

    product: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)

    def rows(self, what: str, bare: str, key: str = "", **shares: float) -> Iterator[Row]:
        """Yields a row for each of the shares, in ms."""
        for name, share in shares.items():
            product, floor = at(self.product, share) * 1000, at(self.floor, share) * 1000
            label = f"{what}, {name} of {len(self.product)}, {product - floor:+.1f} ms (bare: {bare})"
            yield compared(label, product, floor, "ms", key and f"{key}-{name}")


def shown(value: float | None, unit: str) -> str:
    """A number with three significant digits and its unit; without a unit a whole number."""
    if value is None:
        return "not measured"
    if not unit:
        return f"{value:,.0f}"
    digits = max(0, 3 - len(str(int(abs(value))))) if abs(value) >= 1 else 3
    return f"{value:,.{digits}f} {unit}"


def megabytes(count_bytes: int | None) -> float | None:
    return None if count_bytes is None else count_bytes / 1e6
