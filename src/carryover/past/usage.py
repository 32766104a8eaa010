"""What agents used: their tokens by day, agent, model or project, and usage limits.

Times are UTC ms, days are local. Blocks.
"""

from __future__ import annotations

import sqlite3

from msgspec.structs import asdict

from carryover.agents import agent_name
from carryover.clock import utc_now_ms
from carryover.ledger.usage import By as By
from carryover.ledger.usage import Tokens, open_windows, sessions_without_tokens, sums_since
from carryover.past.context import nothing_recorded
from carryover.past.opened import Want, opened
from carryover.past.types import Uncounted, Used, UsedRow, Window


def used_since(since_ms: int, by: By, root: str | None) -> Used:
    """Returns what agents recorded since `since_ms` (UTC ms) in the project at `root`, or in all: days oldest first,
    others by what they used most. Raises UserError (NOTHING_FOUND) if nothing is recorded there."""
    with opened(Want.LISTED, root) as (ledger, project):
        if root is not None and project is None:
            raise nothing_recorded(root)
        project_id = project.id if project is not None else None
        sums = sums_since(ledger, since_ms, by, project_id)
        total = sums_since(ledger, since_ms, None, project_id)
        windows = _windows(ledger, utc_now_ms()) if project is None else ()  # those of an account, not of a project
        without = sessions_without_tokens(ledger, since_ms, project_id)
    rows = [UsedRow(agent_name(name) if by == "agent" else name, tokens) for name, tokens in sums.items()]
    if by != "day":
        rows.sort(key=_most_first)
    uncounted = tuple(Uncounted(agent_name(agent), number) for agent, number in without)
    return Used(since_ms, by, tuple(rows), UsedRow("total", total.get("total", Tokens())), windows, uncounted, root)


def _most_first(row: UsedRow) -> tuple[int, str]:
    tokens = row.tokens
    return -(tokens.input + tokens.output + tokens.cache_write), row.name


def _windows(db: sqlite3.Connection, now_ms: int) -> tuple[Window, ...]:
    return tuple(
        Window(agent=agent_name(agent), agent_id=agent, **asdict(window)) for agent, window in open_windows(db, now_ms)
    )
