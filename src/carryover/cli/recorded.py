"""Recorded sessions for commands that only read: from the ledger or, where there is none, straight from disk."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from carryover.cli.context import project_root, state_dir
from carryover.config import settings_now
from carryover.errors import ExitCode, UserError
from carryover.fsio import FileLock
from carryover.ledger.queries import connect_read_only, project_by_root, session_by_prefix, work_sessions
from carryover.ledger.rows import SessionRow
from carryover.paths import StateDir

LAST: Final = "last"
"""What names the newest session of the project, in place of an id."""


@contextmanager
def ledger_of_project(root: str | None) -> Iterator[sqlite3.Connection]:
    """The ledger, or where there is none a temporary one of what is on disk; `root`: only that project's is needed."""
    state = state_dir()
    if state.ledger.exists():
        _say_if_old(state)
        with _opened(state) as ledger:
            yield ledger
        return
    from carryover.agents import adapters
    from carryover.cli.from_disk import of_project, sources_on_disk, temporary_ledger

    seen = sources_on_disk(settings_now(state), [Path(root)] if root else [])
    sources = of_project(seen, {root}) if root else [item.source for item in seen]
    with temporary_ledger(sources, adapters()) as ledger:
        yield ledger


@contextmanager
def ledger_with_session(name: str) -> Iterator[tuple[sqlite3.Connection, SessionRow]]:
    """The session that a user calls `name`, and the ledger, or the temporary one, that holds it.

    `name` is the session's id, a unique beginning of it, or `last` for the newest of the project that the user is in.

    Raises UserError: NOTHING_FOUND or USAGE where that is no session, or several.
    """
    if not name:
        raise UserError("The session id is empty. `carryover sessions` lists the ids.", ExitCode.USAGE)
    if name == LAST:
        root = project_root(None)
        with ledger_of_project(root) as ledger:
            yield ledger, newest_session(ledger, root)
        return
    with _ledger_with(name) as ledger:
        yield ledger, session_by_prefix(ledger, name)


def newest_session(ledger: sqlite3.Connection, root: str) -> SessionRow:
    """The newest session of the project at `root`. Raises UserError (NOTHING_FOUND) where none is recorded."""
    project = project_by_root(ledger, root)
    found = work_sessions(ledger, project.id, limit=1) if project is not None else []
    if not found:
        raise UserError(
            f"No session is recorded for {root}. `carryover sessions --all` lists those of all projects.",
            ExitCode.NOTHING_FOUND,
        )
    return found[0]


@contextmanager
def _ledger_with(prefix: str) -> Iterator[sqlite3.Connection]:
    """The ledger, or where there is none a temporary one of the sessions on disk whose ids begin with `prefix`."""
    state = state_dir()
    if state.ledger.exists():
        with _opened(state) as ledger:
            yield ledger
        return
    from carryover.agents import adapters
    from carryover.cli.from_disk import of_session, sources_on_disk, temporary_ledger

    sources = of_session(sources_on_disk(settings_now(state)), prefix)
    if not sources:
        raise UserError(
            f"Nothing is recorded yet, and no session on disk begins with {prefix!r}. "
            "`carryover sessions --all` lists them.",
            ExitCode.NOTHING_FOUND,
        )
    with temporary_ledger(sources, adapters()) as ledger:
        yield ledger


@contextmanager
def _opened(state: StateDir) -> Iterator[sqlite3.Connection]:
    ledger = connect_read_only(state.ledger)
    try:
        yield ledger
    finally:
        ledger.close()


def _say_if_old(state: StateDir) -> None:
    try:
        running = FileLock(state.lock).holder() is not None
    except OSError:
        return  # not ours to read, so nothing is known of a daemon
    if not running:
        print("carryoverd is not running: newer sessions may be missing here.", file=sys.stderr)
