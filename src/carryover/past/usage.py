"""What agents used: their tokens by day, agent, model or project, and usage limits.

Times are UTC ms, days are local. Blocks.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import PurePath
from typing import Final

from msgspec.structs import asdict

from carryover.agents import agent_name
from carryover.errors import ExitCode, UserError
from carryover.facts import DAY_MS, is_foreign
from carryover.ledger.rows import ProjectRow
from carryover.ledger.usage import (
    LimitHit,
    Tokens,
    Usage,
    limit_hits,
    open_windows,
    sessions_without_tokens,
    transcripts_to_count,
    usage_since,
)
from carryover.past.context import KNOWN_PROJECTS, nothing_recorded, settings_to_print, state_dir
from carryover.past.context import now_ms as current_ms
from carryover.past.opened import Want, opened
from carryover.past.types import AgentDays, By, LimitReached, Pictures, Uncounted, Used, UsedRow, Window
from carryover.text.reset_times import on_this_machine, reset_time_ms

DAYS: Final = 400
"""How far back the pictures reach."""


def used_since(since_ms: int, by: By, root: str | None) -> Used:
    """Returns what agents recorded since `since_ms` (UTC ms) in the project at `root`, or in all: days oldest first,
    others by what they used most. Raises UserError (NOTHING_FOUND) if nothing is recorded there."""
    settings = settings_to_print(state_dir())
    with opened(Want.LISTED, root) as (ledger, project):
        if root is not None and project is None:
            raise UserError(f"{nothing_recorded(root)} {KNOWN_PROJECTS}", ExitCode.NOTHING_FOUND)
        project_id = project.id if project is not None else None
        usages = usage_since(ledger, since_ms, project_id)
        windows = _windows(ledger, current_ms()) if project is None else ()  # those of an account, not of a project
        without = sessions_without_tokens(ledger, since_ms, project_id)
        waiting = [(agent, number) for agent, number in transcripts_to_count(ledger) if settings.reads(agent)]
    groups: Mapping[str, list[Usage]] = defaultdict(list)
    for used in usages:
        groups[_group_of(used, by)].append(used)
    rows = [_row(name, group) for name, group in groups.items()]
    if by != "day":
        rows.sort(key=_most_first)
    total = _row("total", usages)
    return Used(since_ms, by, tuple(rows), total, windows, _uncounted(without), _uncounted(waiting), root)


def _uncounted(numbers: Iterable[tuple[str, int]]) -> tuple[Uncounted, ...]:
    return tuple(Uncounted(agent_name(agent), number) for agent, number in numbers)


def _row(name: str, usages: Iterable[Usage]) -> UsedRow:
    tokens = Tokens()
    for used in usages:
        tokens = tokens.plus(used)
    return UsedRow(name, tokens)


def _most_first(row: UsedRow) -> tuple[int, str]:
    tokens = row.tokens
    return -(tokens.input + tokens.output + tokens.cache_write), row.name


def _group_of(used: Usage, by: By) -> str:
    match by:
        case "day":
            return on_this_machine(used.at_ms).date().isoformat()
        case "agent":
            return agent_name(used.agent)
        case "model":
            return used.model or "unknown"
        case "project":
            return used.project or "unknown"


def pictures(db: sqlite3.Connection, project: ProjectRow | None, *, now_ms: int) -> Pictures:
    """Returns what was used in a project, or in all of them."""
    since_ms = now_ms - DAYS * DAY_MS
    project_id = project.id if project is not None else None
    used = usage_since(db, since_ms, project_id)
    hits = [hit for hit in limit_hits(db, project_id, since_ms) if not is_foreign(hit.root)]
    days = calendar([*(one.at_ms for one in used), *(hit.at_ms for hit in hits)], now_ms)
    return Pictures(
        days=tuple(day.isoformat() for day in days),
        tokens=by_agent(used, days),
        windows=_windows(db, now_ms) if project is None else (),
        limits=tuple(_limit(hit, days) for hit in hits),
    )


def calendar(times_ms: Sequence[int], now_ms: int) -> list[date]:
    """Returns every local day from the first of these times to now, or to the last of them if that is later."""
    if not times_ms:
        return []
    first = on_this_machine(min(times_ms)).date()
    last = on_this_machine(max(*times_ms, now_ms)).date()
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def by_agent(used: Iterable[Usage], days: Sequence[date]) -> tuple[AgentDays, ...]:
    """Returns the tokens of each agent by day; who used most comes first."""
    new: Mapping[str, list[int]] = defaultdict(lambda: [0] * len(days))
    cached: Mapping[str, list[int]] = defaultdict(lambda: [0] * len(days))
    for one in used:
        number = (on_this_machine(one.at_ms).date() - days[0]).days
        new[one.agent][number] += one.input + one.output + one.cache_write
        cached[one.agent][number] += one.cache_read
    order = sorted(new, key=lambda agent: (-sum(new[agent]), agent))
    return tuple(AgentDays(agent, tuple(new[agent]), tuple(cached[agent])) for agent in order)


def _windows(db: sqlite3.Connection, now_ms: int) -> tuple[Window, ...]:
    return tuple(
        Window(agent=agent_name(agent), agent_id=agent, **asdict(window)) for agent, window in open_windows(db, now_ms)
    )


def _limit(hit: LimitHit, days: Sequence[date]) -> LimitReached:
    resets_ms = reset_time_ms(hit.resets, hit.at_ms) if hit.resets else None
    return LimitReached(
        agent=hit.agent,
        at_ms=hit.at_ms,
        day=(on_this_machine(hit.at_ms).date() - days[0]).days,
        resets_ms=resets_ms or 0,
        project_id=hit.project_id,
        name=PurePath(hit.root).name or hit.root,
    )
