"""Times of events, bounded by their arrival: nothing that was read can have happened later than now.

A clock that was ahead, or a transcript with a wrong date, would otherwise lead its project until that date comes. Done
once, when a record is read; from then on the stored time is what counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from carryover.model import Event

TOLERANCE_MS: Final = 120_000
"""A time this far ahead is taken as it is: clocks of containers and virtual machines differ by that much."""


def with_bounded_times(events: Sequence[Event], *, now_ms: int, written_ms: int) -> list[Event]:
    """The `events` of one read of a source, in their order: none later than now, none without a time.

    A time that lies ahead becomes that of the record's arrival: now, or `written_ms`, when the source was last written
    (0: unknown). An absent one becomes that of the event before. Both stay between the events of their session around
    them, as far as those have times.
    """
    latest_ms = now_ms + TOLERANCE_MS
    arrival_ms = min(now_ms, written_ms) if written_ms > 0 else now_ms
    later_ms = _times_after(events, latest_ms)
    before_ms: dict[str, int] = {}
    bounded = []
    for event, after_ms in zip(events, later_ms, strict=True):
        at_ms = event.at_ms
        if not 0 < at_ms <= latest_ms:
            earliest_ms = before_ms.get(event.session, 0)
            # Without a time it goes with the event before it, as the adapters do it too.
            guess_ms = earliest_ms if at_ms <= 0 and earliest_ms else arrival_ms
            at_ms = max(earliest_ms, guess_ms if after_ms is None else min(guess_ms, after_ms))
        before_ms[event.session] = at_ms
        bounded.append(event if at_ms == event.at_ms else msgspec.structs.replace(event, at_ms=at_ms))
    return bounded


def _times_after(events: Iterable[Event], latest_ms: int) -> list[int | None]:
    """For each event the next time of its session that can be, None where none follows."""
    next_ms: dict[str, int] = {}
    found: list[int | None] = []
    for event in reversed(list(events)):
        found.append(next_ms.get(event.session))
        if 0 < event.at_ms <= latest_ms:
            next_ms[event.session] = event.at_ms
    return found[::-1]
