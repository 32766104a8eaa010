from __future__ import annotations

from carryover.daemon.health import Latency
from carryover.daemon.metrics import Recent


def test_percentiles_are_measured_values_and_the_count_is_of_all() -> None:
    recent = Recent()
    for ms in range(1, 101):
        recent.add(ms)

    assert recent.latency() == Latency(n=100, p50_ms=50, p95_ms=95, max_ms=100)
