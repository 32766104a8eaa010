"""Sums of the tokens that agents recorded, and what is used up of usage limits. Blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from carryover.ledger.codec import is_of
from carryover.ledger.rows import as_record
from carryover.model import NOTE, WindowUsed

By = Literal["day", "agent", "model", "project"]
_NAMES: Final[Mapping[By | None, str]] = {
    "day": "date(at_ms / 1000, 'unixepoch', 'localtime')",
    "agent": "session.agent",
    "model": "coalesce(nullif(tokens.model, ''), 'unknown')",
    "project": "coalesce(project.root, 'unknown')",
    None: "'total'",
}
_SUMS: Final = """SELECT {name}, sum(input), sum(output), sum(cache_write), sum(cache_read)
    FROM tokens JOIN session ON session.id = session_id LEFT JOIN project ON project.id = session.project_id
    WHERE at_ms >= ? {which} GROUP BY 1 ORDER BY 1"""
# A condition that says "or all" would have SQLite read all tokens for one project, too.
_OF_PROJECT: Final = "AND session.project_id = ?"
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
# CROSS has SQLite begin with the newest tokens, of which there are few: not with all that the agent ever used.
_ANSWERED: Final = """SELECT 1 FROM tokens CROSS JOIN session ON session.id = session_id
    WHERE at_ms >= ? AND output > 0 AND agent = ? AND machine = '' LIMIT 1"""


class Tokens(msgspec.Struct, frozen=True):
    """Numbers of tokens. None is counted twice."""

    input: int = 0
    output: int = 0
    cache_write: int = 0
    cache_read: int = 0


def sums_since(
    db: sqlite3.Connection, since_ms: int, by: By | None = None, project_id: int | None = None
) -> dict[str, Tokens]:
    """Returns the sums of the tokens from `since_ms` (UTC ms) on, or of a project's, `by` name in that order; without
    `by` that of all, as `total`. Days are local. Empty if there are no tokens."""
    which, values = ("", (since_ms,)) if project_id is None else (_OF_PROJECT, (since_ms, project_id))
    rows = db.execute(_SUMS.format(name=_NAMES[by], which=which), values)
    return {name: Tokens(*sums) for name, *sums in rows}


def sessions_without_tokens(db: sqlite3.Connection, since_ms: int, project_id: int | None) -> list[tuple[str, int]]:
    """Returns how many sessions of each agent on this machine, or of a project, have answers from `since_ms` (UTC ms)
    on, but no tokens at all."""
    return list(db.execute(_WITHOUT, {"since": since_ms, "project": project_id}))


def has_answered(db: sqlite3.Connection, agent: str, *, since_ms: int) -> bool:
    """Whether a model has answered the agent on this machine since then (UTC ms), as far as tokens were recorded."""
    return db.execute(_ANSWERED, (since_ms, agent)).fetchone() is not None


def open_windows(db: sqlite3.Connection, now_ms: int) -> list[tuple[str, WindowUsed]]:
    """Returns the newest share of each limit whose window has not ended, with the agent's id."""
    rows = ((agent, as_record(WindowUsed, fields)) for agent, *fields in db.execute(_WINDOWS))
    return [(agent, window) for agent, window in rows if _end_ms(window) > now_ms]


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
