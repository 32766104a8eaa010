"""Chooses the sessions that `[retention]` drops."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final

from carryover.config import RetentionConfig
from carryover.ledger.queries import SessionSize, session_sizes, used_bytes
from carryover.model import NOTE

_MS_PER_DAY: Final = 86_400_000
_BYTES_PER_MB: Final = 1_000_000


def over_limits(db: sqlite3.Connection, limits: RetentionConfig, *, now_ms: int) -> list[SessionSize]:
    """Returns the sessions in the ledger that `limits` drop. Blocking; without limits it reads nothing."""
    if limits == RetentionConfig():
        return []
    return sessions_to_drop(session_sizes(db), limits, used_bytes=used_bytes(db), now_ms=now_ms)


def oldest_kept_ms(limits: RetentionConfig, now_ms: int) -> int:
    """Returns the time (UTC ms) before which a session is too old; 0 without such a limit."""
    return now_ms - limits.max_age_days * _MS_PER_DAY if limits.max_age_days is not None else 0


def sessions_to_drop(
    sessions: Iterable[SessionSize], limits: RetentionConfig, *, used_bytes: int, now_ms: int
) -> list[SessionSize]:
    """Returns the sessions that `[retention]` drops: the oldest, but never a project's newest.

    `used_bytes`: the ledger's size. A session of unknown age is dropped only for its size.
    """
    oldest_first = sorted(sessions, key=lambda session: session.last_ms)
    newest = {
        session.project_id: session
        for session in oldest_first
        if session.project_id is not None and session.agent != NOTE
    }
    kept = {(session.agent, session.native_id) for session in newest.values()}
    droppable = [session for session in oldest_first if (session.agent, session.native_id) not in kept]
    excess = used_bytes - limits.max_size_mb * _BYTES_PER_MB if limits.max_size_mb is not None else 0
    dropped = []
    for session in droppable:
        if 0 < session.last_ms < oldest_kept_ms(limits, now_ms) or excess > 0:
            dropped.append(session)
            excess -= session.bytes
    return dropped
