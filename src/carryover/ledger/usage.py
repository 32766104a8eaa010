"""Sums of the tokens that agents recorded, and what is used up of usage limits. Blocking."""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from carryover.ledger.codec import is_of
from carryover.ledger.rows import as_record
from carryover.model import NOTE, WindowUsed

# The time zone is the reader's, so a day is made of the hours that are summed here; all zones that are in use now begin
# their days at a quarter of an hour.
_QUARTER_MS: Final = 900_000
_SUMS: Final = f"""SELECT at_ms / {_QUARTER_MS} * {_QUARTER_MS}, session.agent, tokens.model, project.root,
    sum(input), sum(output), sum(cache_read), sum(cache_write)
    FROM tokens JOIN session ON session.id = session_id LEFT JOIN project ON project.id = session.project_id
    WHERE {{}} GROUP BY 1, 2, 3, 4 ORDER BY 1"""
_SUMS_OF_ALL: Final = _SUMS.format("at_ms >= ?")
# A condition that says "or all" would have SQLite read all tokens for one project, too.
_SUMS_OF_PROJECT: Final = _SUMS.format("at_ms >= ? AND session.project_id = ?")
_SUM: Final = """SELECT count(*), sum(input), sum(output), sum(cache_write), sum(cache_read) FROM tokens
    WHERE at_ms >= ?"""
_MOST_PERCENT: Final = 1000.0
_LONGEST_WINDOW_MINUTES: Final = 366 * 24 * 60
_MINUTE_MS: Final = 60_000
_WINDOWS: Final = """SELECT agent, name, at_ms, used_percent, minutes, resets_ms FROM limit_window
    ORDER BY agent, name"""
_WITHOUT: Final = f"""SELECT agent, count(*) FROM session WHERE last_ms >= :since AND machine = '' AND agent != '{NOTE}'
    AND (:project IS NULL OR session.project_id = :project)
    AND NOT EXISTS (SELECT 1 FROM tokens WHERE tokens.session_id = session.id)
    AND EXISTS (SELECT 1 FROM thread JOIN event ON event.thread_id = thread.id
        WHERE thread.session_id = session.id AND event.at_ms >= :since AND {is_of("assistant_message")})
    GROUP BY agent ORDER BY agent"""


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one model in one project within a quarter of an hour, which begins at `at_ms`."""

    at_ms: int
    agent: str
    model: str
    """Empty if unknown."""
    project: str | None
    input: int
    output: int
    cache_read: int
    cache_write: int


class Tokens(msgspec.Struct, frozen=True):
    """Numbers of tokens. None is counted twice."""

    input: int = 0
    output: int = 0
    cache_write: int = 0
    cache_read: int = 0

    def plus(self, used: Usage) -> Tokens:
        """Returns the sum."""
        return Tokens(
            input=self.input + used.input,
            output=self.output + used.output,
            cache_write=self.cache_write + used.cache_write,
            cache_read=self.cache_read + used.cache_read,
        )


def usage_since(db: sqlite3.Connection, since_ms: int, project_id: int | None) -> list[Usage]:
    """Returns the sums of all tokens from `since_ms` (UTC ms) on, or of a project's, oldest first."""
    if project_id is None:
        found = db.execute(_SUMS_OF_ALL, (since_ms,))
    else:
        found = db.execute(_SUMS_OF_PROJECT, (since_ms, project_id))
    return [Usage(*row) for row in found]


def sum_since(db: sqlite3.Connection, since_ms: int) -> Tokens | None:
    """Returns the sum of all tokens from `since_ms` (UTC ms) on; None if there are none."""
    ((count, *sums),) = db.execute(_SUM, (since_ms,))
    return Tokens(*sums) if count else None


def sessions_without_tokens(db: sqlite3.Connection, since_ms: int, project_id: int | None) -> list[tuple[str, int]]:
    """Returns how many sessions of each agent on this machine, or of a project, have answers from `since_ms` (UTC ms)
    on, but no tokens at all."""
    return list(db.execute(_WITHOUT, {"since": since_ms, "project": project_id}))


def open_windows(db: sqlite3.Connection, now_ms: int) -> list[tuple[str, WindowUsed]]:
    """Returns the newest share of each limit whose window has not ended, with the agent's id."""
    found = []
    for agent, *fields in db.execute(_WINDOWS):
        # An earlier version stored whatever it read.
        window = plausible(as_record(WindowUsed, fields))
        if _end_ms(window) > now_ms:
            found.append((agent, window))
    return found


def plausible(window: WindowUsed) -> WindowUsed:
    """Returns what is used of a limit without a length or an end that no window has, which are not known then."""
    longest_ms = _LONGEST_WINDOW_MINUTES * _MINUTE_MS
    minutes = window.minutes
    resets_ms = window.resets_ms
    if minutes is not None and not 0 < minutes <= _LONGEST_WINDOW_MINUTES:
        minutes = None
    if resets_ms is not None and abs(resets_ms - window.at_ms) > longest_ms:
        resets_ms = None
    used_percent = min(max(0.0, window.used_percent), _MOST_PERCENT)  # in this order, also of what is not a number
    return msgspec.structs.replace(window, used_percent=used_percent, minutes=minutes, resets_ms=resets_ms)


def _end_ms(window: WindowUsed) -> int:
    """Returns when a window ends (UTC ms); 0 if that is not known."""
    if window.resets_ms is not None:
        return window.resets_ms
    return window.at_ms + window.minutes * _MINUTE_MS if window.minutes is not None else 0
