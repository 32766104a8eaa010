"""Times and fingerprints: what makes a record the one it is."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime


def utc_ms(timestamp: str | None) -> int:
    """UTC milliseconds of an ISO time, 0 where there is none. Without a zone it is UTC (2.0.65, 2.1.328 write `Z`)."""
    if not timestamp:
        return 0
    try:
        at = datetime.fromisoformat(timestamp)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0, round(at.timestamp() * 1000))
    except (ValueError, OverflowError):
        return 0


def digest(data: str | bytes) -> str:
    """A short fingerprint, to tell texts apart."""
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else data
    return hashlib.blake2b(raw, digest_size=12).hexdigest()
