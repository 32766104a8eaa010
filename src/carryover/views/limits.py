"""Finds the projects in which work stopped because an agent reached its usage limit. Read-only and blocking."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from carryover.distill.limit import Limit, standing_limit
from carryover.distill.view import has_past
from carryover.facts import is_foreign
from carryover.ledger.queries import by_last_use
from carryover.ledger.rows import PROJECT, ProjectRow, records
from carryover.publish.project_view import project_view
from carryover.text.pattern import later

MOST: Final = 20
"""Maximum number of projects considered, newest activity first."""

_CLOCK: Final = later(r"(\d{1,2})(?::(\d{2}))?\s?([ap])?\.?(?:m\b\.?)?(?: \(?([A-Za-z_/+-]+)\)?)?", re.I)
"""A time of day as agents write it: `3pm (Europe/Amsterdam)`, `8:05 AM`."""

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


def reset_time_ms(resets: str, at_ms: int) -> int | None:
    """Returns when a limit reached at `at_ms` resets (UTC ms): at the time in `resets`, or the next such time of day.

    None if it names a day in words. A time without a zone is local.
    """
    try:
        return int(datetime.fromisoformat(resets).timestamp() * 1000)
    except ValueError:
        clock = _CLOCK.fullmatch(resets)
    if clock is None:
        return None
    from zoneinfo import ZoneInfo  # not loaded where no agent is at a limit

    hour = int(clock[1])
    minute = int(clock[2] or 0)
    half = clock[3]
    zone = clock[4]
    if half is not None:
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    try:
        reached = datetime.fromtimestamp(at_ms / 1000).astimezone(ZoneInfo(zone) if zone else None)
        reset = reached.replace(hour=hour, minute=minute, second=0, microsecond=0)
    except (ValueError, LookupError, OSError):
        return None
    return int((reset if reset > reached else reset + timedelta(days=1)).timestamp() * 1000)


def reset_here(resets: str, at_ms: int) -> str:
    """Returns when a limit reached at `at_ms` resets by the reader's clock, with the day if that is another.

    The agent's own words stand beside it if their zone is not the reader's, and alone if they name no time of day.
    """
    reset_ms = reset_time_ms(resets, at_ms)
    if reset_ms is None:
        return resets
    here = datetime.fromtimestamp(reset_ms / 1000).astimezone()
    reached = datetime.fromtimestamp(at_ms / 1000).astimezone()
    is_another_day = here.date() != reached.date()
    local = f"{here:%Y-%m-%d %H:%M}" if is_another_day else f"{here:%H:%M}"
    return f"{local} ({resets})" if _is_of_another_zone(resets, here) else local


def _is_of_another_zone(resets: str, here: datetime) -> bool:
    from zoneinfo import ZoneInfo  # not loaded where no agent is at a limit

    clock = _CLOCK.fullmatch(resets)
    zone = clock[4] if clock is not None else None
    return zone is not None and here.astimezone(ZoneInfo(zone)).utcoffset() != here.utcoffset()
