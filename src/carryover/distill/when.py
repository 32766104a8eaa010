"""Times in a handoff: relative to its first line, so that they stay true whenever it is read."""

from __future__ import annotations

from datetime import UTC, datetime


def before(then_ms: int, at_ms: int) -> str:
    """How long before `at_ms` something was: "just before", "3 min before", "2 h before", "5 days before"."""
    minutes = max(0, at_ms - then_ms) / 60_000
    if minutes < 1:
        return "just before"
    if minutes < 90:
        return f"{round(minutes)} min before"
    if minutes < 36 * 60:
        return f"{round(minutes / 60)} h before"
    return f"{round(minutes / 1440)} days before"


def iso_utc(at_ms: int) -> str:
    """`2026-11-20T06:02:26Z`. Times no calendar holds are shown as the nearest one it does."""
    bounded = min(max(at_ms, 0), 253_402_300_799_000)
    return datetime.fromtimestamp(bounded // 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
