"""Adds up the tokens that agents recorded: by day, agent, model or project."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from carryover.agents import agent_name
from carryover.ledger.usage import (
    Tokens,
    Usage,
    open_windows,
    sessions_without_tokens,
    transcripts_to_count,
    usage_since,
)
from carryover.past.context import now_ms, settings_to_print, state_dir
from carryover.past.opened import Want, opened
from carryover.prices import ModelPrice

By = Literal["day", "agent", "model", "project"]
_A_MILLION: Final = 1_000_000


class UsedRow(msgspec.Struct, frozen=True):
    """What was used in one day, or by one agent or model, or in one project."""

    name: str
    """The day as YYYY-MM-DD in local time, the agent's display name, the model, or the project's root."""
    tokens: Tokens
    cost: float | None = None
    """By the user's prices; None if a model has none."""


class WindowRow(msgspec.Struct, frozen=True):
    """How much of a usage limit was used up when the agent last said so."""

    agent: str
    name: str
    at_ms: int
    used_percent: float
    minutes: int | None
    resets_ms: int | None


class Uncounted(msgspec.Struct, frozen=True):
    """Sessions or transcripts of an agent whose tokens are not in the sums."""

    agent: str
    number: int


class Used(msgspec.Struct, frozen=True):
    """The tokens since a moment."""

    since_ms: int
    by: By
    rows: tuple[UsedRow, ...]
    total: UsedRow
    windows: tuple[WindowRow, ...]
    without_tokens: tuple[Uncounted, ...] = ()
    """Sessions with answers for which no tokens are recorded."""
    waiting: tuple[Uncounted, ...] = ()
    """Transcripts that an earlier version read, which the daemon will count."""


def used_since(since_ms: int, by: By) -> Used:
    """Returns what agents recorded since `since_ms` (UTC ms): days oldest first, others by what they used most."""
    settings = settings_to_print(state_dir())
    with opened(Want.LISTED) as (ledger, _):
        found = usage_since(ledger, since_ms)
        windows = tuple(
            WindowRow(agent_name(agent), one.name, one.at_ms, one.used_percent, one.minutes, one.resets_ms)
            for agent, one in open_windows(ledger, now_ms())
        )
        without = sessions_without_tokens(ledger, since_ms)
        waiting = [each for each in transcripts_to_count(ledger) if settings.reads(each[0])]
    prices = settings.prices
    groups: dict[str, list[Usage]] = {}
    name_of = _NAMES[by]
    for used in found:
        groups.setdefault(name_of(used), []).append(used)
    rows = [_row(name, group, prices) for name, group in groups.items()]
    if by != "day":
        rows.sort(key=_most_first)
    total = _row("total", found, prices)
    return Used(since_ms, by, tuple(rows), total, windows, _uncounted(without), _uncounted(waiting))


def _uncounted(found: Iterable[tuple[str, int]]) -> tuple[Uncounted, ...]:
    return tuple(Uncounted(agent_name(agent), number) for agent, number in found)


def _row(name: str, found: Iterable[Usage], prices: Mapping[str, ModelPrice]) -> UsedRow:
    found = list(found)
    costs = [_cost(used, prices.get(used.model)) for used in found]
    known = [cost for cost in costs if cost is not None]
    return UsedRow(name, _sum(found), sum(known) if known and len(known) == len(costs) else None)


def _sum(found: Iterable[Usage]) -> Tokens:
    total = Tokens()
    for used in found:
        total = total.plus(used)
    return total


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


def _day(used: Usage) -> str:
    return datetime.fromtimestamp(used.at_ms / 1000, UTC).astimezone().date().isoformat()


def _agent(used: Usage) -> str:
    return agent_name(used.agent)


def _model(used: Usage) -> str:
    return used.model or "unknown"


def _project(used: Usage) -> str:
    return used.project or "unknown"


_NAMES: Final[Mapping[By, Callable[[Usage], str]]] = {
    "day": _day,
    "agent": _agent,
    "model": _model,
    "project": _project,
}
