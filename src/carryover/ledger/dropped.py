"""Remembers the limits under which sessions were dropped, and has them read again if the limits are relaxed.

A dropped session leaves no tombstone, only an unchanged source. Everything runs inside the open transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import aiosqlite

Limits = Mapping[str, int | None]
"""Each limit by its name; None if there is no such limit."""

_NONE: Final = 2**62
_NAME: Final = "dropped_over:"
_KEEP: Final = "INSERT INTO counter (name, n) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET n = min(n, excluded.n)"
_KEPT: Final = f"SELECT name, n FROM counter WHERE name LIKE '{_NAME}%'"
_CLEAR: Final = f"DELETE FROM counter WHERE name LIKE '{_NAME}%'"
_READ_AGAIN: Final = """UPDATE source SET cursor = NULL, context = x'', size = -1, rev = rev + 1
    WHERE state = 'active' AND mtime_ns >= ?"""


async def keep_limits(db: aiosqlite.Connection, limits: Limits) -> None:
    """Records that sessions were dropped under `limits`."""
    await db.executemany(_KEEP, [(_NAME + name, _NONE if limit is None else limit) for name, limit in limits.items()])


async def read_dropped_again(db: aiosqlite.Connection, limits: Limits, *, since_ms: int) -> bool:
    """Has sources read from their start if `limits` allow more than when sessions were dropped; returns whether they
    do.

    Only sources changed since `since_ms` are read again.
    """
    kept = {str(name): int(n) for name, n in await db.execute_fetchall(_KEPT)}
    now = {_NAME + name: _NONE if limit is None else limit for name, limit in limits.items()}
    if not any(now.get(name, _NONE) > n for name, n in kept.items()):
        return False
    await db.execute_fetchall(_CLEAR)
    await db.execute_fetchall(_READ_AGAIN, (since_ms * 1_000_000,))
    return True
