"""The current time, in the unit of events."""

from __future__ import annotations

import time


def utc_now_ms() -> int:
    """Returns the current time in UTC milliseconds."""
    return int(time.time() * 1000)
