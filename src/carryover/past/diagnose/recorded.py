"""What the ledger holds, for the report."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import msgspec

from carryover.agents import agent_name
from carryover.config import Config, project_settings
from carryover.distill.limit import LASTS_MS, command
from carryover.install.machine import Machine, startable_here
from carryover.ledger.connect import as_ledger_error
from carryover.ledger.queries import agents_seen, connect_read_only, projects, totals
from carryover.ledger.usage import sum_since
from carryover.past.context import first_day_ms
from carryover.past.diagnose import report as reports
from carryover.past.diagnose.report import LedgerReport
from carryover.past.projects import limited_projects
from carryover.paths import StateDir
from carryover.terminal.paths import quoted
from carryover.text.reset_times import reset_here


def ledger_report(state: StateDir, config: Config, machine: Machine) -> LedgerReport | None:
    """Returns what the ledger holds; None if there is none. Raises UserError and sqlite3.Error."""
    if not state.ledger.exists():
        return None
    with as_ledger_error(state.ledger), closing(connect_read_only(state.ledger, keep_index=True)) as db:
        each = [(row, project_settings(Path(row.root), config)) for row in projects(db)]
        return LedgerReport(
            path=str(state.ledger),
            **msgspec.structs.asdict(totals(db)),
            projects=tuple(
                msgspec.structs.replace(row, refusal=f"excluded by {own.excluded}") if own.excluded else row
                for row, own in each
            ),
            ignored_settings=tuple(reports.IgnoredSettings(row.root, own.notes) for row, own in each if own.notes),
            agents=tuple(agents_seen(db)),
            used_today=sum_since(db, first_day_ms(1)),
            limits=() if state.paused.exists() else _limits(db, config, machine),
        )


def _limits(db: sqlite3.Connection, config: Config, machine: Machine) -> tuple[reports.LimitReport, ...]:
    """Finds recent usage limits, and the agents that could continue: startable here, with no limit in any project."""
    now_ms = int(time.time() * 1000)
    limited_by = partial(limited_projects, db, since_ms=now_ms - LASTS_MS, now_ms=now_ms)
    if not limited_by(()):
        return ()
    limits = limited_by(startable_here(config.agents.selected, machine))
    limited = {limit.agent for limit in limits.values()}
    return tuple(
        reports.LimitReport(
            root=root,
            agent=limit.agent,
            name=agent_name(limit.agent),
            at_ms=limit.at_ms,
            resets=limit.resets,
            resets_here=reset_here(limit.resets, limit.at_ms) if limit.resets else None,
            commands=tuple(f"{command(agent)} {quoted(root)}" for agent in limit.others if agent not in limited),
        )
        for root, limit in limits.items()
        if project_settings(Path(root), config).excluded is None
    )
