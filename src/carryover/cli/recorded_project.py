"""What is recorded of a project, brought up to date first: from the ledger or, without one, straight from disk."""

from __future__ import annotations

import glob
import shlex
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlencode

from carryover.config import Config, project_settings, settings_now
from carryover.errors import ExitCode, UserError
from carryover.ledger.queries import connect_read_only, project_by_root
from carryover.paths import StateDir

SETTLE_LIMIT_S: Final = 3.0
"""How long a running daemon may take to read what is new; after that its ledger is used as it is."""

_STILL_READING: Final = "carryoverd is still reading; this is what it knows so far."

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


def bring_up_to_date(state: StateDir, root: str) -> bool:
    """The running daemon reads what is new; where none runs, we do, for this project. False where that is not all."""
    from carryover.daemon.client import ask_daemon

    try:
        settled = ask_daemon(state.socket, "POST", f"/settle?{urlencode({'root': root})}", timeout_s=SETTLE_LIMIT_S)
    except TimeoutError:
        print(_STILL_READING, file=sys.stderr)
        return False
    if settled is not None:
        if not settled["caught_up"]:
            print(_STILL_READING, file=sys.stderr)
        with suppress(UserError, TimeoutError):  # an older daemon does not know the question
            ask_daemon(state.socket, "POST", f"/follow?{urlencode({'root': root})}", timeout_s=SETTLE_LIMIT_S)
        return bool(settled["caught_up"])
    from carryover.cli.from_disk import catch_up

    trouble = catch_up(state, root)
    if trouble is not None:
        print(f"{trouble} This is what the ledger holds so far.", file=sys.stderr)
    return trouble is None


def _of_project(ledger: sqlite3.Connection, root: str, make: Callable[[sqlite3.Connection, int], T]) -> T | None:
    project = project_by_root(ledger, root)
    return make(ledger, project.id) if project is not None else None
