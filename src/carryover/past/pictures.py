"""What the pictures of usage are drawn from: tokens by day and agent, usage limits, hand-overs. Blocks.

Times are UTC ms, days are local. A place is a point in time as days since the first day's beginning: 1.5 is noon of the
second day, so that a clock which is put forward moves nothing.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import PurePath
from typing import Final

import msgspec

from carryover.facts import is_foreign
from carryover.ingest.scan import MS_PER_DAY
from carryover.ledger.queries import sessions
from carryover.ledger.rows import ProjectRow, SessionRow
from carryover.ledger.usage import LimitHit, Usage, last_event_before, limit_hits, open_windows, usage_since
from carryover.model import NOTE
from carryover.past.timeline import MOST_SESSIONS
from carryover.text.reset_times import reset_time_ms

DAYS: Final = 400
"""How far back the pictures reach."""
_HOURS: Final = 24
_SECONDS: Final = 3600


class AgentDays(msgspec.Struct, frozen=True):
    """The tokens of an agent on each of the days."""

    agent: str
    new: tuple[int, ...]
    """Input, output and what was written to a cache."""
    cached: tuple[int, ...]
    """What was read from a cache."""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a usage limit was used up when the agent last said so. `minutes` and `resets_ms` are 0 if unknown."""

    agent: str
    name: str
    at_ms: int
    used_percent: float
    minutes: int
    resets_ms: int


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A usage limit that was reached. `resets_ms` is 0 if the agent did not say when it resets."""

    agent: str
    at_ms: int
    place: float
    resets_ms: int
    project: int
    name: str


class HandOver(msgspec.Struct, frozen=True, kw_only=True):
    """A session that began where another agent had worked, and the time since that agent's last event."""

    before: str
    agent: str
    session: str
    at_ms: int
    place: float
    waited_ms: int
    project: int
    name: str


class Pictures(msgspec.Struct, frozen=True, kw_only=True):
    """All of it, oldest first. `days` has no gaps, and ends with today; it is empty if there is nothing to show."""

    days: tuple[str, ...]
    tokens: tuple[AgentDays, ...]
    """Who used most comes first."""
    windows: tuple[Window, ...]
    """Empty for one project: these limits are of an account."""
    hits: tuple[Hit, ...]
    hand_overs: tuple[HandOver, ...]


def pictures(db: sqlite3.Connection, project: ProjectRow | None, *, now_ms: int) -> Pictures:
    """Returns what was used in a project, or in all of them."""
    since_ms = now_ms - DAYS * MS_PER_DAY
    project_id = project.id if project is not None else None
    used = usage_since(db, since_ms, project_id)
    hits = [hit for hit in limit_hits(db, project_id, since_ms) if not is_foreign(hit.root)]
    rows = sessions(db, project_id, limit=MOST_SESSIONS, since_ms=since_ms)
    taken = [pair for pair in taken_over(rows) if pair[1].started_ms >= since_ms]
    times = [*(one.at_ms for one in used), *(hit.at_ms for hit in hits), *(after.started_ms for _, after in taken)]
    days = calendar(times, now_ms)
    return Pictures(
        days=tuple(day.isoformat() for day in days),
        tokens=by_agent(used, days),
        windows=_windows(db, now_ms) if project is None else (),
        hits=tuple(_hit(hit, days) for hit in hits),
        hand_overs=tuple(_hand_over(db, before, after, days) for before, after in taken),
    )


def calendar(times_ms: Sequence[int], now_ms: int) -> list[date]:
    """Returns every local day from the first of these times to now, or to the last of them if that is later."""
    if not times_ms:
        return []
    first = _local(min(times_ms)).date()
    last = _local(max(*times_ms, now_ms)).date()
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def by_agent(used: Iterable[Usage], days: Sequence[date]) -> tuple[AgentDays, ...]:
    """Returns the tokens of each agent by day; who used most comes first."""
    new: Mapping[str, list[int]] = defaultdict(lambda: [0] * len(days))
    cached: Mapping[str, list[int]] = defaultdict(lambda: [0] * len(days))
    for one in used:
        number = (_local(one.at_ms).date() - days[0]).days
        new[one.agent][number] += one.input + one.output + one.cache_write
        cached[one.agent][number] += one.cache_read
    order = sorted(new, key=lambda agent: (-sum(new[agent]), agent))
    return tuple(AgentDays(agent, tuple(new[agent]), tuple(cached[agent])) for agent in order)


def taken_over(rows: Iterable[SessionRow]) -> list[tuple[SessionRow, SessionRow]]:
    """Returns each session that followed one of another agent in its project, after that one; by start."""
    by_start = sorted(filter(_is_work, rows), key=lambda row: (row.started_ms, row.id))
    of_project: Mapping[int | None, list[SessionRow]] = defaultdict(list)
    for row in by_start:
        of_project[row.project_id].append(row)
    found = [pair for each in of_project.values() for pair in pairwise(each) if pair[0].agent != pair[1].agent]
    return sorted(found, key=lambda pair: pair[1].started_ms)


def _is_work(row: SessionRow) -> bool:
    is_here = row.root is not None and not is_foreign(row.root)
    return is_here and row.agent != NOTE and row.started_ms > 0


def _windows(db: sqlite3.Connection, now_ms: int) -> tuple[Window, ...]:
    return tuple(
        Window(
            agent=agent,
            name=one.name,
            at_ms=one.at_ms,
            used_percent=one.used_percent,
            minutes=one.minutes or 0,
            resets_ms=one.resets_ms or 0,
        )
        for agent, one in open_windows(db, now_ms)
    )


def _hit(hit: LimitHit, days: Sequence[date]) -> Hit:
    resets_ms = reset_time_ms(hit.resets, hit.at_ms) if hit.resets else None
    return Hit(
        agent=hit.agent,
        at_ms=hit.at_ms,
        place=_place(hit.at_ms, days),
        resets_ms=resets_ms or 0,
        project=hit.project_id,
        name=_name(hit.root),
    )


def _hand_over(db: sqlite3.Connection, before: SessionRow, after: SessionRow, days: Sequence[date]) -> HandOver:
    ended_ms = before.last_ms
    if ended_ms > after.started_ms:  # it went on later
        ended_ms = last_event_before(db, before.id, after.started_ms) or before.started_ms
    return HandOver(
        before=before.agent,
        agent=after.agent,
        session=after.native_id,
        at_ms=after.started_ms,
        place=_place(after.started_ms, days),
        waited_ms=after.started_ms - ended_ms,
        project=after.project_id or 0,
        name=_name(after.root or ""),
    )


def _place(at_ms: int, days: Sequence[date]) -> float:
    local = _local(at_ms)
    hours = local.hour + local.minute / 60 + local.second / _SECONDS
    return round((local.date() - days[0]).days + hours / _HOURS, 4)


def _name(root: str) -> str:
    return PurePath(root).name or root


def _local(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000).astimezone()
