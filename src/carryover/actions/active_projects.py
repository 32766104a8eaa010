"""Finds the projects that a daemon would write into now: those with recent activity. Reads only."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from carryover.actions.context import agents_own, now_ms, root_of
from carryover.config import Config, project_settings
from carryover.errors import UserError
from carryover.fsio import is_folder
from carryover.ingest.scan import MS_PER_DAY
from carryover.ledger.queries import connect_read_only, projects
from carryover.paths import StateDir
from carryover.projects.policy import refusal

LIMIT_S: Final = 1.5
"""How long transcripts are searched for their projects, newest first, if there is no ledger."""
MOST: Final = 50


def active_projects(state: StateDir, config: Config, agents: Collection[str]) -> dict[Path, int]:
    """Returns at most `MOST` projects, newest first, in which one of `agents` worked and that may be written into.

    Maps each root to the time of the last work there (UTC ms). Uses the ledger, or the transcripts if there is none;
    that may miss some, such as projects that only a database names.
    """
    since_ms = now_ms() - config.publish.active_days * MS_PER_DAY
    roots = _of_ledger(state, since_ms) if state.ledger.exists() else _on_disk(config, agents, since_ms)
    own, home = agents_own(config.agents), Path.home()
    found: dict[Path, int] = {}
    for root, last_ms in roots:
        if (
            root in found
            or not is_folder(root)
            or project_settings(root, config).excluded
            or refusal(root, home=home, agents_own=own)
        ):
            continue
        found[root] = last_ms
        if len(found) == MOST:
            break
    return found


def _of_ledger(state: StateDir, since_ms: int) -> list[tuple[Path, int]]:
    try:
        with closing(connect_read_only(state.ledger, keep_index=True)) as db:
            return [(Path(row.root), row.last_event_ms) for row in projects(db) if row.last_event_ms >= since_ms]
    except (UserError, sqlite3.Error):  # `carryover doctor` reports it
        return []


def _on_disk(config: Config, agents: Collection[str], since_ms: int) -> Iterator[tuple[Path, int]]:
    from carryover.agents import adapters
    from carryover.ingest.scan import first_cwd, readable_sources, recorded_roots

    until_s = time.monotonic() + LIMIT_S
    known = {agent.id: agent for agent in adapters().values() if agent.id in agents}
    roots = recorded_roots(known.values(), config.agents, Path.home(), os.environ)
    recent = [item for item in readable_sources(known, roots) if item.mtime_ns // 1_000_000 >= since_ms]
    for item in sorted(recent, key=lambda item: -item.mtime_ns):
        if time.monotonic() > until_s:
            return
        cwd = str(item.project) if item.project is not None else first_cwd(known[item.source.agent], item.source)
        if cwd is not None:
            yield Path(root_of(cwd).root), item.mtime_ns // 1_000_000
