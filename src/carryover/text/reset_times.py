"""When a usage limit resets, by the clock of who reads it, from the words of the agent's message."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from carryover.facts import Clock, in_utc
from carryover.text.pattern import later

LASTS_MS: Final = 5 * 3_600_000
"""The shortest period of plans' limits (Claude Code and Codex: five hours). An older limit is no longer news."""

_WORDS: Final = later(r"(\d{1,2})(?::(\d{2}))?\s?([ap])?\.?(?:m\b\.?)?(?: \(?([A-Za-z_/+-]+)\)?)?", re.I)
"""A time of day as agents write it: `3pm (Europe/Amsterdam)`, `8:05 AM`."""

_EARLIEST_MS: Final = 86_400_000
_LATEST_MS: Final = 253_370_764_799_000
"""A day after 1970 began, and the end of 9998: of other times, not every zone has a date."""


def on_this_machine(at_ms: int) -> datetime:
    """The clock of this machine, with its summer time."""
    return datetime.fromtimestamp(at_ms / 1000).astimezone()


def reset_time_ms(resets: str, at_ms: int, clock: Clock = on_this_machine) -> int | None:
    """Returns when a limit reached at `at_ms` resets (UTC ms): at the time in `resets`, or the next such time of day.

    None if it names a day in words, or a time of which no zone's date can be said. A time without a zone is one by
    `clock`.
    """
    try:
        reset_ms = _named_ms(resets, at_ms, clock)
    except (ValueError, LookupError, OSError, OverflowError):
        return None
    return reset_ms if _EARLIEST_MS <= reset_ms <= _LATEST_MS else None


def _named_ms(resets: str, at_ms: int, clock: Clock) -> int:
    words = _WORDS.fullmatch(resets)
    if words is None:
        return int(datetime.fromisoformat(resets).timestamp() * 1000)
    hour = int(words[1])
    minute = int(words[2] or 0)
    half = words[3]
    if half is not None:
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    reached = _at(clock, words[4], at_ms)
    reset = reached.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return int((reset if reset > reached else reset + timedelta(days=1)).timestamp() * 1000)


def reset_here(resets: str, at_ms: int) -> str:
    """Returns when a limit reached at `at_ms` resets by the reader's clock, with the day if that is another.

    The agent's own words stand beside it if their zone is not the reader's, and alone if they name no time of day.
    """
    reset_ms = reset_time_ms(resets, at_ms, on_this_machine)
    if reset_ms is None:
        return resets
    local = _time(reset_ms, at_ms, on_this_machine)
    return f"{local} ({resets})" if _zone_differs(resets, reset_ms, on_this_machine) else local


def reset_quoted(resets: str, at_ms: int, clock: Clock) -> str:
    """Returns the agent's own words; of another zone, after the time by the reader's clock with its zone."""
    reset_ms = reset_time_ms(resets, at_ms, clock)
    if reset_ms is None or (_is_in_words(resets) and not _zone_differs(resets, reset_ms, clock)):
        return resets
    local = f"{_time(reset_ms, at_ms, clock)} {clock(reset_ms):%Z}"
    return f"{local} ({resets})" if _is_in_words(resets) else local


def with_reset_here(message: str, resets: str | None, at_ms: int, clock: Clock = on_this_machine) -> str:
    """Returns the agent's message about a limit, with the time by the reader's clock where it has one of another zone,
    or one that a person can't read."""
    reset_ms = reset_time_ms(resets, at_ms, clock) if resets else None
    if resets is None or reset_ms is None:
        return message
    if _is_in_words(resets) and not _zone_differs(resets, reset_ms, clock):
        return message
    return f"{message} ({_time(reset_ms, at_ms, clock)} by your clock)"


def _time(reset_ms: int, at_ms: int, clock: Clock) -> str:
    here = clock(reset_ms)
    is_another_day = here.date() != clock(at_ms).date()
    return f"{here:%Y-%m-%d %H:%M}" if is_another_day else f"{here:%H:%M}"


def _is_in_words(resets: str) -> bool:
    return _WORDS.fullmatch(resets) is not None


def _zone_differs(resets: str, reset_ms: int, clock: Clock) -> bool:
    words = _WORDS.fullmatch(resets)
    zone = words[4] if words is not None else None
    return zone is not None and _at(clock, zone, reset_ms).utcoffset() != clock(reset_ms).utcoffset()


def _at(clock: Clock, zone: str | None, at_ms: int) -> datetime:
    """Returns a moment by the clock of `zone`, or by `clock`. Raises LookupError if there is no such zone."""
    if zone is None:
        return clock(at_ms)
    from zoneinfo import ZoneInfo  # not loaded where no agent is at a limit

    return in_utc(at_ms).astimezone(ZoneInfo(zone))
