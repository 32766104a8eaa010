"""Finds the projects in which work stopped because an agent reached its usage limit. Read-only and blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from carryover.distill.limit import Limit, standing_limit
from carryover.distill.view import has_past
from carryover.facts import is_foreign
from carryover.ledger.queries import by_last_use
from carryover.ledger.rows import PROJECT, ProjectRow, records
from carryover.publish.project_view import project_view
from carryover.text.reset_times import reset_time_ms

MOST: Final = 20
"""Maximum number of projects considered, newest activity first."""

_RECENT: Final = f"{PROJECT} WHERE last_event_ms >= ? ORDER BY last_event_ms DESC, id DESC LIMIT ?"


class LimitedProject(msgspec.Struct, frozen=True):
    """A project whose newest work ended at a usage limit."""

    root: str
    limit: Limit


def limited_projects(
    db: sqlite3.Connection, startable: Sequence[str], *, since_ms: int, now_ms: int
) -> list[LimitedProject]:
    """Returns the projects in which an agent has stopped since `since_ms` at a usage limit that, as far as is known,
    still holds at `now_ms`."""
    found = []
    for row in [row for row in records(ProjectRow, db, _RECENT, (since_ms, MOST)) if not is_foreign(row.root)]:
        view = project_view(db, row.id)
        limit = standing_limit(view, by_last_use(db, startable, row.id))
        if limit is None or limit.at_ms < since_ms or not has_past(view):
            continue
        reset_ms = reset_time_ms(limit.resets, limit.at_ms) if limit.resets else None
        if reset_ms is None or reset_ms > now_ms:
            found.append(LimitedProject(row.root, limit))
    return sorted(found, key=lambda project: (-project.limit.at_ms, project.root))
