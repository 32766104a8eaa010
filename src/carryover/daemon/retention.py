"""Chooses the sessions that `[retention]` drops: the oldest, but never the newest of a project."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from carryover.config import RetentionConfig
from carryover.ingest.scan import MS_PER_DAY
from carryover.ledger.queries import SessionSize
from carryover.model import NOTE

_BYTES_PER_MB: Final = 1_000_000


def sessions_to_drop(
    sessions: Iterable[SessionSize], limits: RetentionConfig, *, used_bytes: int, now_ms: int
) -> list[SessionSize]:
    """Those to drop, oldest first. `used_bytes` is the size of the ledger.

    A session of unknown age is dropped only for its size.
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
    oldest_kept_ms = now_ms - limits.max_age_days * MS_PER_DAY if limits.max_age_days is not None else 0
    dropped = []
    for session in droppable:
        if 0 < session.last_ms < oldest_kept_ms or excess > 0:
            dropped.append(session)
            excess -= session.bytes
    return dropped
