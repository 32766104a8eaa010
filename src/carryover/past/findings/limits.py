"""The usage limits at which work stands still, for `status`, and how it could go on."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path

from carryover.agents import agent_name
from carryover.config import Config, project_settings
from carryover.distill.limit import command
from carryover.install.machine import Machine, startable_here
from carryover.past.findings.facts import LimitReport
from carryover.projects.moved_folders import is_away
from carryover.publish.limits import limited_projects
from carryover.terminal.paths import shell_word
from carryover.text.reset_times import reset_here


def limit_reports(
    db: sqlite3.Connection, config: Config, machine: Machine, *, since_ms: int, now_ms: int
) -> tuple[LimitReport, ...]:
    """Finds usage limits since `since_ms`, and the agents that could continue: startable here, with no limit in any
    project. Where a project's folder is gone, such as a worktree that was removed, none can."""
    limited_by = partial(limited_projects, db, since_ms=since_ms, now_ms=now_ms)
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
            commands=tuple(
                f"{command(agent)} {shell_word(root)}"
                for agent in (limit.others or () if not is_away(root) else ())
                if agent not in limited
            ),
        )
        for root, limit in limits.items()
        if project_settings(Path(root), config).excluded is None
    )
