"""The facts about the ledger: what it holds, and which projects wait at a usage limit."""

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
from carryover.ledger.connect import as_ledger_error, connect_read_only
from carryover.ledger.queries import agents_seen, projects, totals
from carryover.ledger.usage import sum_since
from carryover.past.context import first_day_ms
from carryover.past.findings.facts import LedgerFacts, LimitReport
from carryover.past.limits import limited_projects
from carryover.paths import StateDir
from carryover.terminal.paths import quoted
from carryover.text.reset_times import reset_here


def ledger_facts(state: StateDir, config: Config, machine: Machine) -> LedgerFacts | None:
    """Returns what the ledger holds; None if there is none. Raises UserError and sqlite3.Error."""
    if not state.ledger.exists():
        return None
    with as_ledger_error(state.ledger), closing(connect_read_only(state.ledger, keep_index=True)) as db:
        rows = [(row, project_settings(Path(row.root), config)) for row in projects(db)]
        return LedgerFacts(
            path=str(state.ledger),
            **msgspec.structs.asdict(totals(db)),
            projects=tuple(
                msgspec.structs.replace(row, refusal=f"excluded by {settings.excluded}") if settings.excluded else row
                for row, settings in rows
            ),
            ignored_settings={row.root: settings.notes for row, settings in rows if settings.notes},
            agents=tuple(agents_seen(db)),
            used_today=sum_since(db, first_day_ms(1)),
            limits=() if state.paused.exists() else _limits(db, config, machine),
        )


def _limits(db: sqlite3.Connection, config: Config, machine: Machine) -> tuple[LimitReport, ...]:
    """Finds recent usage limits, and the agents that could continue: startable here, with no limit in any project."""
    now_ms = int(time.time() * 1000)
    limited_by = partial(limited_projects, db, since_ms=now_ms - LASTS_MS, now_ms=now_ms)
    if not limited_by(()):
        return ()
    limits = limited_by(startable_here(config.agents.selected, machine))
    limited = {limit.agent for limit in limits.values()}
    return tuple(
        LimitReport(
            root=root,
            agent=limit.agent,
            name=agent_name(limit.agent),
            at_ms=limit.at_ms,
            resets=limit.resets,
            resets_here=reset_here(limit.resets, limit.at_ms) if limit.resets else None,
            commands=tuple(f"{command(agent)} {quoted(root)}" for agent in limit.others or () if agent not in limited),
        )
        for root, limit in limits.items()
        if project_settings(Path(root), config).excluded is None
    )
