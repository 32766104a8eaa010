"""Waits while the daemon reads the history for the first time, and shows its progress."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import Final, Literal

from carryover.daemon.client import ask_health
from carryover.daemon.health import Health
from carryover.errors import UserError
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import totals
from carryover.ledger.rows import Totals
from carryover.paths import StateDir
from carryover.terminal.output import Progress, counted

POLL_EVERY_S: Final = 0.2
BUSY_ANSWER_S: Final = 10.0

ReadEnd = Literal["done", "interrupted", "lost", "paused", "unstored"]


def held_by(state: StateDir) -> Totals | None:
    """Returns the ledger's totals, as `status` shows them; None if it can't be read."""
    try:
        with closing(connect_read_only(state.ledger, keep_index=True)) as db:
            return totals(db)
    except (UserError, sqlite3.Error):
        return None


def watch_first_read(state: StateDir) -> ReadEnd:
    """Shows the daemon's progress on stderr until everything has been read; a pause holds that up. Ctrl-C stops only
    the display."""
    try:
        with Progress() as progress:
            while (health := ask_health(state, timeout_s=BUSY_ANSWER_S)) is not None and not (
                health.caught_up or health.paused
            ):
                progress.update(*how_far(health))
                time.sleep(POLL_EVERY_S)
        if health is None:
            return "lost"
        return "paused" if health.paused else "done" if health.ledger_trouble is None else "unstored"
    except (TimeoutError, UserError):
        return "lost"
    except KeyboardInterrupt:
        return "interrupted"


def how_far(health: Health) -> tuple[float, str]:
    """Returns the share that has been read, and a text that describes it."""
    sources, waiting = health.sources, health.waiting_sources
    if health.last_sweep_ms is None:
        return 0.0, "looking for transcripts"
    if not sources or not waiting:
        return 1.0, "writing handoffs"
    read = max(0, sources - waiting)
    return read / sources, f"{read:,} of {counted(sources, 'transcript')} read, newest project first"
