"""The facts about the ledger: what it holds, and which projects wait at a usage limit."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import msgspec

from carryover.clock import utc_now_ms
from carryover.config import Config, settings_of_each
from carryover.errors import UserError
from carryover.install.machine import Machine
from carryover.ledger.connect import as_ledger_error, connect_read_only
from carryover.ledger.queries import agents_seen, file_states, projects, totals
from carryover.ledger.rows import ProjectRow
from carryover.ledger.usage import sums_since
from carryover.past.context import first_day_ms
from carryover.past.findings.facts import LedgerFacts, LimitReport
from carryover.paths import StateDir
from carryover.publish.stopped import perhaps_limited
from carryover.text.reset_times import LASTS_MS

RecordedFiles = Mapping[tuple[str, str], tuple[int, int]]
"""The size and modification time (ns) of files when they were last read, by agent and path."""


def ledger_facts(state: StateDir, config: Config, machine: Machine) -> LedgerFacts | None:
    """Returns what the ledger holds; None if there is none. Raises UserError and sqlite3.Error."""
    if not state.ledger.exists():
        return None
    with as_ledger_error(state.ledger), closing(connect_read_only(state.ledger, keep_index=True)) as db:
        found = projects(db)
        rows = [*zip(found, settings_of_each((Path(row.root) for row in found), config), strict=True)]
        return LedgerFacts(
            path=str(state.ledger),
            **msgspec.structs.asdict(totals(db)),
            projects=tuple(
                msgspec.structs.replace(row, refusal=f"excluded by {settings.excluded}") if settings.excluded else row
                for row, settings in rows
            ),
            ignored_settings={row.root: settings.notes for row, settings in rows if settings.notes},
            agents=tuple(agents_seen(db)),
            used_today=sums_since(db, first_day_ms(1)).get("total"),
            limits=() if state.paused.exists() else _limits(db, config, machine),
        )


def recorded_files(state: StateDir) -> RecordedFiles:
    """Returns the files that are recorded and still there; none if the ledger can't be read, which others report."""
    try:
        with closing(connect_read_only(state.ledger, keep_index=True)) as db:
            return file_states(db)
    except (UserError, sqlite3.Error):
        return {}


def recent_projects(ledger: LedgerFacts | None, config: Config) -> list[ProjectRow]:
    """Returns the projects in which something happened in the last `active_days`, newest first."""
    since_ms = utc_now_ms() - config.publish.active_ms
    return [row for row in ledger.projects if row.last_event_ms >= since_ms] if ledger is not None else []


def _limits(db: sqlite3.Connection, config: Config, machine: Machine) -> tuple[LimitReport, ...]:
    now = utc_now_ms()
    since_ms = now - LASTS_MS
    if not perhaps_limited(db, since_ms):
        return ()
    from carryover.past.findings.limits import limit_reports  # with what makes handoffs

    return limit_reports(db, config, machine, since_ms=since_ms, now_ms=now)
