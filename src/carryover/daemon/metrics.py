"""Counters and latencies of the daemon since it started, for `carryover status --json`.

Counting is an addition, timing one slot in a ring of fixed size; percentiles are computed on request. So memory is
bounded, and nothing runs while nothing happens. There is no content.
"""

from __future__ import annotations

from collections import Counter, deque
from math import ceil
from typing import Final

from carryover.daemon.health import HookCounts, HookOutcome, Latency, Metrics

WINDOW: Final = 512
"""Number of newest measurements that percentiles are computed from."""


class Recent:
    """The newest `WINDOW` measurements of one duration."""

    def __init__(self) -> None:
        self._n = 0
        self._ms: deque[float] = deque(maxlen=WINDOW)

    def add(self, ms: float) -> None:
        """Adds a measurement; negative ones, from a clock that was set back, count as 0."""
        self._n += 1
        self._ms.append(max(0.0, ms))

    def latency(self) -> Latency:
        """Returns percentiles by nearest rank."""
        ordered = sorted(self._ms)
        if not ordered:
            return Latency()
        return Latency(
            n=self._n,
            p50_ms=round(ordered[ceil(0.5 * len(ordered)) - 1], 1),
            p95_ms=round(ordered[ceil(0.95 * len(ordered)) - 1], 1),
            max_ms=round(ordered[-1], 1),
        )


class Meter:
    """Counters and durations of one daemon. Use only on the event loop."""

    def __init__(self) -> None:
        self.session_start = Recent()
        self._bytes = self._events = 0
        self._hooks: Counter[HookOutcome] = Counter()
        self.unauthenticated = self.kept = self.not_kept = self.dropped = 0
        """Numbers of hook calls: without the secret; whose payload was kept, or could not be; whose later work was
        dropped."""

    def read(self, size_bytes: int, *, events: int) -> None:
        """Counts the size of the records of one read, and the new events in them."""
        self._bytes += size_bytes
        self._events += events

    def hook(self, outcome: HookOutcome) -> None:
        """Counts a hook call."""
        self._hooks[outcome] += 1

    def hook_counts(self) -> HookCounts:
        """Returns the hook calls by outcome."""
        outcomes = self._hooks
        return HookCounts(
            answered=outcomes["answered"],
            quiet=outcomes["quiet"],
            unauthenticated=self.unauthenticated,
            foreign=outcomes["foreign"],
            refused_paths=outcomes["refused_path"],
            kept=self.kept,
            not_kept=self.not_kept,
            late=outcomes["late"],
            overloaded=outcomes["overloaded"] + self.dropped,
            failed=outcomes["failed"],
        )

    def metrics(self) -> Metrics:
        """Returns all counts and latencies so far."""
        return Metrics(
            bytes_read=self._bytes,
            events_stored=self._events,
            session_start=self.session_start.latency(),
        )
