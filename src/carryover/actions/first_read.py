"""Waits while the daemon reads the history for the first time, and shows its progress."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Collection, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, Literal

import msgspec

from carryover.agents import adapters
from carryover.config import Config, project_settings
from carryover.daemon.client import ask_health
from carryover.daemon.health import Health
from carryover.errors import UserError
from carryover.fsio import is_folder
from carryover.ingest.roots import recorded_roots
from carryover.ingest.scan import readable_sources, recent_folders
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import projects, totals, worked_ms
from carryover.ledger.rows import Totals
from carryover.past.context import now_ms, root_of, state_dir
from carryover.paths import StateDir
from carryover.probe.checkout import Checkout
from carryover.probe.looks import Silent, look_at_each
from carryover.projects.policy import refusal
from carryover.projects.root import StatePaths
from carryover.terminal.output import Progress, counted

POLL_EVERY_S: Final = 0.2
BUSY_ANSWER_S: Final = 10.0
SEARCH_LIMIT_S: Final = 1.5
"""How long transcripts are searched for their projects, newest first, while a person waits and there is no ledger."""
DRY_RUN_LIMIT_S: Final = 15.0
"""The same in a dry run, whose list should be whole: enough for 300 MB of files that are newer than their events."""

ReadEnd = Literal["done", "interrupted", "lost", "paused"]


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
    progress = Progress()
    try:
        while (health := ask_health(state, timeout_s=BUSY_ANSWER_S)) is not None and not (
            health.caught_up or health.paused
        ):
            progress.update(*how_far(health))
            time.sleep(POLL_EVERY_S)
        return "lost" if health is None else "paused" if health.paused else "done"
    except (TimeoutError, UserError):
        return "lost"
    except KeyboardInterrupt:
        return "interrupted"
    finally:
        progress.clear()


def how_far(health: Health) -> tuple[float, str]:
    """Returns the share that has been read, and a text that describes it."""
    sources, waiting = health.sources, health.waiting_sources
    if health.last_sweep_ms is None:
        return 0.0, "looking for transcripts"
    if not sources or not waiting:
        return 1.0, "writing handoffs"
    read = max(0, sources - waiting)
    return read / sources, f"{read:,} of {counted(sources, 'transcript')} read, newest project first"


class Active(msgspec.Struct, frozen=True):
    """Projects with recent work that may be written into."""

    roots: dict[Path, int]
    """The time of an agent's last work (UTC ms) by root, newest first."""
    cut: bool = False
    """Whether the search took too long, so that there may be more."""


def active_projects(
    state: StateDir, config: Config, agents: Collection[str], *, limit_s: float = SEARCH_LIMIT_S
) -> Active:
    """Returns the projects in which one of `agents` worked recently and that may be written into: where something
    happened in the last `active_days`, as the daemon publishes.

    Without a ledger, the transcripts are searched, for `limit_s` at most.
    """
    since_ms = now_ms() - config.publish.active_ms
    if not state.ledger.exists():
        return _on_disk(config, agents, since_ms, limit_s)
    last_ms: dict[Path, int] = {}
    with suppress(UserError, sqlite3.Error), closing(connect_read_only(state.ledger, keep_index=True)) as db:
        worked, recent = worked_ms(db), (row for row in projects(db) if row.last_event_ms >= since_ms)
        last_ms = {Path(row.root): worked.get(row.id, row.last_event_ms) for row in recent}
    return Active(_that_may_be_written(last_ms, config))


def _that_may_be_written(last_ms: Mapping[Path, int], config: Config) -> dict[Path, int]:
    """Returns those of the projects that may be written into, newest first; none on a disk that does not answer."""
    paths = StatePaths(state_dir(), Path.home(), config.agents)

    def may_be_written(root: Path) -> bool:
        return is_folder(root) and refusal(Checkout(root), paths) is None

    covered = [root for root in last_ms if not project_settings(root, config).excluded]
    newest_first = sorted(covered, key=lambda root: -last_ms[root])
    return {root: last_ms[root] for root, may in look_at_each(newest_first, may_be_written) if may}


def _on_disk(config: Config, agents: Collection[str], since_ms: int, limit_s: float) -> Active:
    until_s = time.monotonic() + limit_s
    by_id = {agent.id: agent for agent in adapters().values() if agent.id in agents}
    roots = recorded_roots([agent.spec for agent in by_id.values()], config.agents, Path.home(), os.environ)
    recent = [item for item in readable_sources(by_id, roots) if item.mtime_ns // 1_000_000 >= since_ms]
    last_ms: dict[Path, int] = {}
    for item in sorted(recent, key=lambda item: -item.mtime_ns):
        if time.monotonic() > until_s:
            break
        folders = recent_folders(by_id[item.source.agent], item.source, since_ms=since_ms, until_s=until_s)
        for cwd, at_ms in folders.items():
            with suppress(Silent):
                root = item.project or Path(root_of(cwd).root)
                last_ms[root] = max(at_ms, last_ms.get(root, 0))
    return Active(_that_may_be_written(last_ms, config), cut=time.monotonic() > until_s)
