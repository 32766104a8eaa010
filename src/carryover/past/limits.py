"""Finds the projects in which work stopped because an agent reached its usage limit. Read-only and blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from carryover.distill.limit import Limit, standing_limit
from carryover.distill.view import has_past
from carryover.ledger.queries import by_last_use
from carryover.past.stopped import perhaps_limited
from carryover.publish.project_view import project_view
from carryover.text.reset_times import reset_time_ms


def limited_projects(
    db: sqlite3.Connection, startable: Sequence[str], *, since_ms: int, now_ms: int
) -> dict[str, Limit]:
    """Returns the roots of the projects in which an agent has stopped since `since_ms` at a usage limit that, as far as
    is known, still holds at `now_ms`, newest first, each with that limit."""
    limits = []
    for row in perhaps_limited(db, since_ms):
        view = project_view(db, row.id)
        limit = standing_limit(view, by_last_use(db, startable, row.id))
        if limit is None or limit.at_ms < since_ms or not has_past(view):
            continue
        if not resets_ms(limit) or resets_ms(limit) > now_ms:
            limits.append((-limit.at_ms, row.root, limit))
    return {root: limit for _, root, limit in sorted(limits, key=lambda entry: entry[:2])}


def resets_ms(limit: Limit) -> int:
    """Returns when a limit resets (UTC ms); 0 if the agent did not say so."""
    return (reset_time_ms(limit.resets, limit.at_ms) or 0) if limit.resets else 0
