"""The time of now, for a reader whose source does not say itself that nothing more will come."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now_ms() -> int:
    """UTC milliseconds."""
    return int(datetime.now(UTC).timestamp() * 1000)
