"""Finds the projects in which work stopped because an agent reached its usage limit. Read-only and blocking.

Apart from what lists all projects, since `status` asks this alone, and that loads what makes handoffs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from carryover.distill.limit import Limit, standing_limit
from carryover.distill.stored_digest import may_end_at_limit
from carryover.distill.view import has_past
from carryover.facts import is_foreign
from carryover.ledger.codec import unpack_digest
from carryover.ledger.queries import by_last_use
from carryover.ledger.rows import PROJECT, ProjectRow, records
from carryover.publish.project_view import project_view
from carryover.text.reset_times import reset_time_ms

_MOST: Final = 20
"""Maximum number of projects considered, newest activity first."""
_RECENT: Final = f"{PROJECT} WHERE last_event_ms >= ? ORDER BY last_event_ms DESC, id DESC LIMIT ?"
_SINCE: Final = """FROM session JOIN {0} ON {0}.session_id = session.id
    WHERE session.project_id = ? AND {1} >= ?"""
_DIGESTS: Final = f"SELECT fold_version, digest {_SINCE.format('thread', 'session.last_ms')}"
_REPORTED: Final = f"SELECT 1 {_SINCE.format('provisional', 'provisional.at_ms')} LIMIT 1"


def limited_projects(
    db: sqlite3.Connection, startable: Sequence[str], *, since_ms: int, now_ms: int
) -> dict[str, Limit]:
    """Returns the roots of the projects in which an agent has stopped since `since_ms` at a usage limit that, as far as
    is known, still holds at `now_ms`, newest first, each with that limit."""
    limits = []
    for row in [row for row in records(ProjectRow, db, _RECENT, (since_ms, _MOST)) if not is_foreign(row.root)]:
        if not _may_be_limited(db, row.id, since_ms):
            continue
        view = project_view(db, row.id)
        limit = standing_limit(view, by_last_use(db, startable, row.id))
        if limit is None or limit.at_ms < since_ms or not has_past(view):
            continue
        if not resets_ms(limit) or resets_ms(limit) > now_ms:
            limits.append((-limit.at_ms, row.root, limit))
    return {root: limit for _, root, limit in sorted(limits, key=lambda entry: entry[:2])}


def _may_be_limited(db: sqlite3.Connection, project_id: int, since_ms: int) -> bool:
    """Whether work on the project may have stopped at a limit since then: to make its view takes far longer."""
    since = (project_id, since_ms)
    ended = (may_end_at_limit(version, unpack_digest(digest)) for version, digest in db.execute(_DIGESTS, since))
    return any(ended) or db.execute(_REPORTED, since).fetchone() is not None


def resets_ms(limit: Limit) -> int:
    """Returns when a limit resets (UTC ms); 0 if the agent did not say so."""
    return (reset_time_ms(limit.resets, limit.at_ms) or 0) if limit.resets else 0
