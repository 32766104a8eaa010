"""In which projects work stopped because an agent reached its usage limit, over a read-only connection. Blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from carryover.distill.handoff import has_past
from carryover.distill.sections.limit import Limit, standing_limit
from carryover.ledger.rows import PROJECT, ProjectRow, records
from carryover.publish.project_view import project_view

MOST: Final = 20
"""Projects that are looked at, newest activity first."""

_RECENT: Final = f"{PROJECT} WHERE last_event_ms >= ? ORDER BY last_event_ms DESC, id DESC LIMIT ?"


class LimitedProject(msgspec.Struct, frozen=True):
    """A project whose newest work ended at a usage limit."""

    root: str
    limit: Limit


def limited_projects(db: sqlite3.Connection, startable: Sequence[str], *, since_ms: int) -> list[LimitedProject]:
    """The projects in which an agent stopped at its limit since `since_ms`."""
    found = []
    for row in list(records(ProjectRow, db, _RECENT, (since_ms, MOST))):
        view = project_view(db, row.id)
        limit = standing_limit(view, startable)
        if limit is not None and limit.at_ms >= since_ms and has_past(view):
            found.append(LimitedProject(row.root, limit))
    return sorted(found, key=lambda project: (-project.limit.at_ms, project.root))
