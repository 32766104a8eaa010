"""What is recorded of a project, brought up to date first, for commands that make no handoff of it."""

from __future__ import annotations

import glob
import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from carryover.cli.project_handoff import bring_up_to_date
from carryover.config import Config, project_settings, settings_now
from carryover.errors import ExitCode, UserError
from carryover.ledger.queries import connect_read_only, project_by_root
from carryover.paths import StateDir

T = TypeVar("T")


def refuse_excluded(root: str, config: Config) -> None:
    """Raises UserError (REFUSED) where the project at `root` is left out of Carryover."""
    excluded = project_settings(Path(root), config).excluded
    if excluded:
        by_name = glob.escape(root) in config.projects.exclude  # as `carryover pause` leaves it out
        what_next = f" `carryover unpause {shlex.quote(root)}` includes it again." if by_name else ""
        raise UserError(f"{root} is left out of Carryover: excluded by {excluded}.{what_next}", ExitCode.REFUSED)


def of_recorded(state: StateDir, root: str, make: Callable[[sqlite3.Connection, int], T]) -> T | None:
    """What `make` makes of a ledger and the id of the project at `root` there, with what agents left on disk until now;
    None where nothing is recorded of the project. While Carryover is paused nothing is read.

    Raises UserError (REFUSED) where Carryover was paused before anything was recorded.
    """
    made, complete = None, False
    if state.ledger.exists():
        complete = not state.paused.exists() and bring_up_to_date(state, root)
        with closing(connect_read_only(state.ledger)) as ledger:
            made = _of_project(ledger, root, make)
    if made is not None or complete:
        return made
    from carryover.agents import adapters
    from carryover.cli.from_disk import of_project, sources_on_disk, temporary_ledger, tombstones_of

    seen = sources_on_disk(settings_now(state), [Path(root)])
    with temporary_ledger(of_project(seen, {root}), adapters(), tombstones=tombstones_of(state)) as ledger:
        return _of_project(ledger, root, make)


def _of_project(ledger: sqlite3.Connection, root: str, make: Callable[[sqlite3.Connection, int], T]) -> T | None:
    project = project_by_root(ledger, root)
    return make(ledger, project.id) if project is not None else None
