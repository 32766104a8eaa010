"""What a daemon needs of the machine, as rows of a table, and when that counts as growth."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.processes import processor_s
from chaos.checks import held
from chaos.world import World

HEAD: Final = (
    "| machine | min | RSS MB | handles | threads | ledger MB | WAL MB | hook p50/p99 ms (n) | "
    "line to handoff p50/p99 ms (n, missed) | CPU s |\n" + "|---" * 10 + "|"
)
MB: Final = 1e6


@dataclass
class Timings:
    """What was timed since the last row, in seconds."""

    hooks: list[float] = field(default_factory=list)
    lines: list[float] = field(default_factory=list)
    """From an appended line to a handoff with it."""
    missed: int = 0
    """Lines that no handoff had in time."""


@dataclass(frozen=True, slots=True)
class Row:
    machine: str
    minutes: float
    resident_mb: float
    handles: int
    threads: int
    ledger_mb: float
    wal_mb: float
    timings: Timings
    cpu_s: float
    """Since the daemon was started."""

    def __str__(self) -> str:
        timings = self.timings
        lines = f"{_percentiles(timings.lines)} ({len(timings.lines)}, {timings.missed})"
        cells = (
            *(self.machine, f"{self.minutes:.0f}", f"{self.resident_mb:.1f}", self.handles, self.threads),
            *(f"{self.ledger_mb:.1f}", f"{self.wal_mb:.1f}"),
            *(f"{_percentiles(timings.hooks)} ({len(timings.hooks)})", lines, f"{self.cpu_s:.0f}"),
        )
        return f"| {' | '.join(map(str, cells))} |"


@dataclass(frozen=True, slots=True)
class Bound:
    """How much a figure may be above what it was after the warm-up."""

    of: Callable[[Row], float]
    share: float
    more: float


BOUNDS: Final = {
    "RSS MB": Bound(lambda row: row.resident_mb, share=0.1, more=15.0),
    "handles": Bound(lambda row: row.handles, share=0.0, more=12.0),
    "threads": Bound(lambda row: row.threads, share=0.0, more=8.0),
    "WAL MB": Bound(lambda row: row.wal_mb, share=0.0, more=64.0),
}
"""Memory grows for a while with what SQLite and the allocator keep; 5 KB lost per turn do not stay below this."""


def measure(machine: World, timings: Timings, *, since_s: float) -> Row:
    now = held(machine.daemon.pid)
    ledger = machine.state.ledger
    wal = ledger.with_name(f"{ledger.name}-wal")
    return Row(
        machine=machine.name,
        minutes=since_s / 60,
        resident_mb=now["resident KB"] * 1024 / MB,
        handles=now["handles"],
        threads=now["threads"],
        ledger_mb=ledger.stat().st_size / MB,
        wal_mb=wal.stat().st_size / MB if wal.exists() else 0.0,
        timings=timings,
        cpu_s=processor_s(machine.daemon.pid) or 0.0,
    )


def drift(rows: Sequence[Row]) -> list[str]:
    """What grew beyond its bound from the second to the last fifth of the rows; the first is the warm-up."""
    fifth = max(1, len(rows) // 5)
    settled, last = rows[fifth : 2 * fifth], rows[-fifth:]
    if len(rows) < 3:
        return []
    return [
        f"soak: {name} of {rows[0].machine} grew from {was:.1f} to {now:.1f}"
        for name, bound in BOUNDS.items()
        if (now := statistics.median(map(bound.of, last)))
        > (was := statistics.median(map(bound.of, settled))) * (1 + bound.share) + bound.more
    ]


def _percentiles(seconds: Sequence[float]) -> str:
    if not seconds:
        return "-"
    in_order = sorted(seconds)
    p99 = in_order[min(len(in_order) - 1, round(0.99 * (len(in_order) - 1)))]
    return f"{1000 * statistics.median(in_order):.0f}/{1000 * p99:.0f}"
