"""What agents used: their tokens by day, agent, model or project, usage limits, and hand-overs from one to another.

Times are UTC ms, days are local. Blocks.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import PurePath
from typing import Final

from carryover.agents import agent_name
from carryover.facts import is_foreign
from carryover.ledger.queries import sessions
from carryover.ledger.rows import ProjectRow, SessionRow
from carryover.ledger.usage import (
    LimitHit,
    Tokens,
    Usage,
    last_event_before,
    limit_hits,
    open_windows,
    sessions_without_tokens,
    transcripts_to_count,
    usage_since,
)
from carryover.model import NOTE
from carryover.past.context import now_ms as current_ms
from carryover.past.context import settings_to_print, state_dir
from carryover.past.opened import Want, opened
from carryover.past.types import AgentDays, By, HandOver, LimitReached, Pictures, Uncounted, Used, UsedRow, Window
from carryover.prices import ModelPrice
from carryover.text.reset_times import reset_time_ms

_A_MILLION: Final = 1_000_000
DAYS: Final = 400
"""How far back the pictures reach."""
_MOST_SESSIONS: Final = 5000
_HOURS: Final = 24
_SECONDS: Final = 3600
_MS_PER_DAY: Final = 86_400_000


def used_since(since_ms: int, by: By) -> Used:
    """Returns what agents recorded since `since_ms` (UTC ms): days oldest first, others by what they used most."""
    settings = settings_to_print(state_dir())
    with opened(Want.LISTED) as (ledger, _):
        usages = usage_since(ledger, since_ms)
        windows = _windows(ledger, current_ms())
        without = sessions_without_tokens(ledger, since_ms)
        waiting = [(agent, number) for agent, number in transcripts_to_count(ledger) if settings.reads(agent)]
    groups: Mapping[str, list[Usage]] = defaultdict(list)
    for used in usages:
        groups[_group_of(used, by)].append(used)
    rows = [_row(name, group, settings.prices) for name, group in groups.items()]
    if by != "day":
        rows.sort(key=_most_first)
    total = _row("total", usages, settings.prices)
    return Used(since_ms, by, tuple(rows), total, windows, _uncounted(without), _uncounted(waiting))


def _uncounted(numbers: Iterable[tuple[str, int]]) -> tuple[Uncounted, ...]:
    return tuple(Uncounted(agent_name(agent), number) for agent, number in numbers)


def _row(name: str, usages: Sequence[Usage], prices: Mapping[str, ModelPrice]) -> UsedRow:
    tokens = Tokens()
    for used in usages:
        tokens = tokens.plus(used)
    costs = [_cost(used, prices.get(used.model)) for used in usages]
    priced = [cost for cost in costs if cost is not None]
    return UsedRow(name, tokens, sum(priced) if priced and len(priced) == len(costs) else None)


def _cost(used: Usage, price: ModelPrice | None) -> float | None:
    if price is None:
        return None
    whole = (
        used.input * price.input
        + used.output * price.output
        + used.cache_write * price.cache_write
        + used.cache_read * price.cache_read
    )
    return whole / _A_MILLION


def _most_first(row: UsedRow) -> tuple[int, str]:
    tokens = row.tokens
    return -(tokens.input + tokens.output + tokens.cache_write), row.name


def _group_of(used: Usage, by: By) -> str:
    match by:
        case "day":
            return _local(used.at_ms).date().isoformat()
        case "agent":
            return agent_name(used.agent)
        case "model":
            return used.model or "unknown"
        case "project":
            return used.project or "unknown"


def pictures(db: sqlite3.Connection, project: ProjectRow | None, *, now_ms: int) -> Pictures:
    """Returns what was used in a project, or in all of them."""
    since_ms = now_ms - DAYS * _MS_PER_DAY
    project_id = project.id if project is not None else None
    used = usage_since(db, since_ms, project_id)
    hits = [hit for hit in limit_hits(db, project_id, since_ms) if not is_foreign(hit.root)]
    rows = sessions(db, project_id, limit=_MOST_SESSIONS, since_ms=since_ms)
    taken = [pair for pair in taken_over(rows) if pair[1].started_ms >= since_ms]
    times = [*(one.at_ms for one in used), *(hit.at_ms for hit in hits), *(after.started_ms for _, after in taken)]
    days = calendar(times, now_ms)
    return Pictures(
        days=tuple(day.isoformat() for day in days),
        tokens=by_agent(used, days),
        windows=_windows(db, now_ms) if project is None else (),
        limits=tuple(_limit(hit, days) for hit in hits),
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
    taken: list[tuple[SessionRow, SessionRow]] = []
    for sessions_of_project in of_project.values():
        taken += (pair for pair in pairwise(sessions_of_project) if pair[0].agent != pair[1].agent)
    return sorted(taken, key=lambda pair: pair[1].started_ms)


def _is_work(row: SessionRow) -> bool:
    is_here = row.root is not None and not is_foreign(row.root)
    return is_here and row.agent != NOTE and row.started_ms > 0


def _windows(db: sqlite3.Connection, now_ms: int) -> tuple[Window, ...]:
    return tuple(
        Window(
            agent=agent_name(agent),
            agent_id=agent,
            name=window.name,
            at_ms=window.at_ms,
            used_percent=window.used_percent,
            minutes=window.minutes,
            resets_ms=window.resets_ms,
        )
        for agent, window in open_windows(db, now_ms)
    )


def _limit(hit: LimitHit, days: Sequence[date]) -> LimitReached:
    resets_ms = reset_time_ms(hit.resets, hit.at_ms) if hit.resets else None
    return LimitReached(
        agent=hit.agent,
        at_ms=hit.at_ms,
        place=_place(hit.at_ms, days),
        resets_ms=resets_ms or 0,
        project_id=hit.project_id,
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
        project_id=after.project_id or 0,
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
