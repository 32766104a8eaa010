"""Finds the projects in which work stopped because an agent reached its usage limit. Read-only and blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from carryover.distill.limit import Limit, standing_limit
from carryover.distill.view import ProjectView, has_past
from carryover.ledger.queries import by_last_use
from carryover.ledger.usage import has_answered
from carryover.publish.project_view import project_view
from carryover.publish.stopped import perhaps_limited
from carryover.text.reset_times import LASTS_MS, reset_time_ms

_STILL_ANSWERED_MS: Final = 10 * 60_000
"""How long after a limit another session may be answered what it had asked for before."""


def limited_projects(
    db: sqlite3.Connection, startable: Sequence[str], *, since_ms: int, now_ms: int
) -> dict[str, Limit]:
    """Returns the roots of the projects in which an agent has stopped since `since_ms` at a usage limit that, as far as
    is known, still holds at `now_ms`, newest first, each with that limit. None of an agent whose models have answered
    since, in whatever project."""
    limits = []
    for row in perhaps_limited(db, since_ms):
        view = project_view(db, row.id)
        limit = standing_limit(view, None)
        if limit is None or limit.at_ms < since_ms or not has_past(view):
            continue
        if has_answered(db, limit.agent, since_ms=limit.at_ms + _STILL_ANSWERED_MS):
            continue
        if not resets_ms(limit) or resets_ms(limit) > now_ms:
            offered = by_last_use(db, startable, row.id, until_ms=limit.at_ms)
            limits.append((-limit.at_ms, row.root, standing_limit(view, offered) or limit))
    return {root: limit for _, root, limit in sorted(limits, key=lambda entry: entry[:2])}


def offered_at_limit(
    db: sqlite3.Connection, view: ProjectView, project_id: int | None, startable: Sequence[str], *, now_ms: int
) -> tuple[str, ...]:
    """Returns those of the `startable` agents to be offered where the project's work stopped at a limit: not those that
    are at one in any project. In the order of `limited_projects`, so that a handoff and `status` offer the same."""
    limit = standing_limit(view, None)
    if limit is None:
        return ()
    everywhere = limited_projects(db, (), since_ms=now_ms - LASTS_MS, now_ms=now_ms)
    limited = {elsewhere.agent for elsewhere in everywhere.values()}
    offered = by_last_use(db, startable, project_id, until_ms=limit.at_ms)
    return tuple(agent for agent in offered if agent not in limited)


def resets_ms(limit: Limit) -> int:
    """Returns when a limit resets (UTC ms); 0 if the agent did not say so."""
    return (reset_time_ms(limit.resets, limit.at_ms) or 0) if limit.resets else 0
