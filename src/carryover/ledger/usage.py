"""Sums of the tokens that agents recorded, and what is used up of usage limits. Blocking."""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from carryover.model import WindowUsed

# The time zone is the reader's, so a day is made of the hours that are summed here; all zones that are in use now begin
# their days at a quarter of an hour.
_QUARTER_MS: Final = 900_000
_SUMS: Final = f"""SELECT at_ms / {_QUARTER_MS} * {_QUARTER_MS}, session.agent, tokens.model, project.root,
    sum(input), sum(output), sum(cache_read), sum(cache_write)
    FROM tokens JOIN session ON session.id = session_id LEFT JOIN project ON project.id = session.project_id
    WHERE at_ms >= ? GROUP BY 1, 2, 3, 4 ORDER BY 1"""
_SUM: Final = """SELECT count(*), sum(input), sum(output), sum(cache_write), sum(cache_read) FROM tokens
    WHERE at_ms >= ?"""
_WINDOWS: Final = """SELECT agent, name, at_ms, used_percent, minutes, resets_ms FROM limit_window
    WHERE coalesce(resets_ms, at_ms + minutes * 60000) > ? ORDER BY agent, name"""


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


def usage_since(db: sqlite3.Connection, since_ms: int) -> list[Usage]:
    """Returns the sums of all tokens from `since_ms` (UTC ms) on, oldest first."""
    return [Usage(*row) for row in db.execute(_SUMS, (since_ms,))]


def sum_since(db: sqlite3.Connection, since_ms: int) -> Tokens | None:
    """Returns the sum of all tokens from `since_ms` (UTC ms) on; None if there are none."""
    ((count, *sums),) = db.execute(_SUM, (since_ms,))
    return Tokens(*sums) if count else None


def open_windows(db: sqlite3.Connection, now_ms: int) -> list[tuple[str, WindowUsed]]:
    """Returns the newest share of each limit whose window has not ended, with the agent's id."""
    rows = db.execute(_WINDOWS, (now_ms,))
    return [
        (agent, WindowUsed(name=name, at_ms=at_ms, used_percent=percent, minutes=minutes, resets_ms=resets_ms))
        for agent, name, at_ms, percent, minutes, resets_ms in rows
    ]
