from __future__ import annotations

import pytest

from carryover.daemon.health import Latency
from carryover.daemon.metrics import LATEST_HINT_MS, Meter, Recent

NOW_MS = 1_800_000_000_000


def test_percentiles_are_measured_values_and_the_count_is_of_all() -> None:
    recent = Recent()
    for ms in range(1, 101):
        recent.add(ms)

    assert recent.latency() == Latency(n=100, p50_ms=50, p95_ms=95, max_ms=100)


@pytest.mark.parametrize(
    ("written_ms", "waited_ms"),
    [
        (NOW_MS - 90, 90),  # the append, a little before its hint
        (NOW_MS - 10, 80),  # the last of several appends that one hint stands for
        (NOW_MS + 5000, 80),  # a clock that was set back
        (NOW_MS - 80 - LATEST_HINT_MS - 1, 80),  # a copy with the time of the original
    ],
)
def test_an_append_is_timed_from_its_writing_or_its_first_hint(written_ms: int, waited_ms: int) -> None:
    meter = Meter()
    meter.stored(hinted_ms=NOW_MS - 80, written_ms=written_ms, now_ms=NOW_MS)

    assert meter.metrics().append_to_stored.max_ms == waited_ms
