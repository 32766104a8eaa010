"""Reads what is recorded about a project or a session: from the ledger or, without one, straight from disk."""

from __future__ import annotations

import glob
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlencode

import msgspec

from carryover.actions.context import project_root, root_of, settings_to_print, state_dir
from carryover.config import Config, load_config, project_settings
from carryover.errors import ExitCode, UserError
from carryover.facts import is_foreign
from carryover.fsio import FileLock
from carryover.ledger.connect import as_ledger_error, connect_tolerant
from carryover.ledger.queries import project_by_root, reading, session_by_prefix, whereabouts, work_sessions
from carryover.ledger.rows import SessionRow
from carryover.paths import StateDir
from carryover.projects.moved_folders import may_have_moved
from carryover.terminal.output import counted, warn
from carryover.text.shell import quoted

if TYPE_CHECKING:
    from carryover.ledger.store import Ledger
    from carryover.projects.root import StatePaths

LAST: Final = "last"
"""Names the newest session of the project in place of an id."""

SETTLE_LIMIT_S: Final = 3.0
"""How long a running daemon may take to read new records; after that its ledger is used as it is."""

T = TypeVar("T")


def ask_patiently(state: StateDir, target: str, *, timeout_s: float) -> dict[str, Any] | None:
    """Returns the daemon's answer to `POST target`; None if none runs. Raises UserError, also if it comes too late."""
    from carryover.daemon.client import ask_daemon

    try:
        return ask_daemon(state.socket, "POST", target, timeout_s=timeout_s)
    except TimeoutError as error:
        raise UserError(
            f"carryoverd has not finished after {timeout_s:g} s and is still at work. Run the same command again later."
        ) from error


def by_daemon_or_here(
    state: StateDir,
    target: str,
    kind: type[T],
    do: Callable[[Ledger, StatePaths], Awaitable[T]],
    *,
    timeout_s: float,
    otherwise: str = "Nothing was changed.",
) -> T:
    """Returns the daemon's answer to `POST target` or, if none runs, that of `do`. Raises UserError."""
    answer = ask_patiently(state, target, timeout_s=timeout_s)
    if answer is not None:
        return msgspec.convert(answer, kind)
    from carryover.actions.from_disk import as_writer

    return as_writer(state, do, otherwise)


@contextmanager
def recorded_ledger(state: StateDir) -> Iterator[sqlite3.Connection]:
    """Opens the ledger read-only. Damaged entries are skipped; their number is printed on stderr at the end."""
    with as_ledger_error(state.ledger), closing(connect_tolerant(state.ledger)) as ledger:
        try:
            yield ledger
        finally:
            if ledger.damaged:
                warn(
                    f"Left out here: {counted(ledger.damaged, 'damaged entry', 'damaged entries')} of the ledger. "
                    "`carryover doctor --fix` reads them again from the transcripts."
                )


@contextmanager
def ledger_of_project(root: str | None, *, around: bool = False) -> Iterator[sqlite3.Connection]:
    """Opens the ledger, or a temporary one made from what is on disk: only of the project at `root` if that is given,
    with `around` also of the projects that contain it."""
    state = state_dir()
    if state.ledger.exists():
        if root is not None:
            follow_if_unknown(state, root)
        if not may_be_running(state):
            warn("carryoverd is not running: newer sessions may be missing here.")
    with ledger_as_it_is(state, root, around=around) as ledger:
        yield ledger


@contextmanager
def ledger_as_it_is(
    state: StateDir, root: str | None = None, session: str | None = None, *, around: bool = False
) -> Iterator[sqlite3.Connection]:
    """Does the same, but never writes or follows a move. `session`: the beginning of the one id that is needed."""
    with recorded_ledger(state) if state.ledger.exists() else _on_disk(state, root, session, around=around) as ledger:
        yield ledger


@contextmanager
def _on_disk(
    state: StateDir, root: str | None, session: str | None = None, *, around: bool = False
) -> Iterator[sqlite3.Connection]:
    """Opens a temporary ledger of what is on disk, without what the user had forgotten."""
    from carryover.actions.from_disk import of_project, of_session, sources_on_disk, temporary_ledger, tombstones_of
    from carryover.agents import adapters

    config = msgspec.structs.replace(settings_to_print(state), paused=state.paused.exists())
    seen = sources_on_disk(config, [Path(root)] if root else [])
    if session is not None:
        sources = of_session(seen, session)
    else:
        roots = {root, *map(str, Path(root).parents if around else ())} if root else ()
        sources = of_project(seen, roots) if roots else [item.source for item in seen]
    with temporary_ledger(sources, adapters(), tombstones=tombstones_of(state)) as ledger:
        yield ledger


def follow_if_unknown(state: StateDir, root: str) -> None:
    """Looks for a moved project's records if nothing is known of `root`, unless paused or the ledger is in use."""
    if is_foreign(root):
        return
    with reading(state.ledger) as ledger:
        known = whereabouts(ledger)
    is_known = any(row.root == root and row.has_sessions for row in known)
    if is_known or state.paused.exists() or not any(may_have_moved(row, root) for row in known):
        return
    from carryover.daemon.client import ask_daemon

    with suppress(UserError, TimeoutError):
        if ask_daemon(state.socket, "POST", f"/follow?{urlencode({'root': root})}", timeout_s=SETTLE_LIMIT_S) is None:
            from carryover.actions.from_disk import follow_moved

            follow_moved(state, root)


@contextmanager
def ledger_with_session(name: str) -> Iterator[tuple[sqlite3.Connection, SessionRow]]:
    """Yields the ledger, or a temporary one, and the session in it that a user calls `name`; see `session_named`."""
    if not name:
        raise UserError("The session id is empty. `carryover sessions` lists the ids.", ExitCode.USAGE)
    is_last = name == LAST
    with ledger_of_project(project_root(None)) if is_last else ledger_as_it_is(state_dir(), session=name) as ledger:
        yield ledger, session_named(ledger, name)


def session_named(ledger: sqlite3.Connection, name: str) -> SessionRow:
    """Returns the session with this id or prefix, or this project's newest (`last`). Raises UserError if none fits."""
    if name != LAST:
        return session_by_prefix(ledger, name)
    root = project_root(None)
    project = project_by_root(ledger, root)
    found = work_sessions(ledger, project.id, limit=1) if project is not None else []
    if not found:
        raise UserError(
            f"{nothing_recorded(root)} `carryover sessions --all` lists those of all projects.",
            ExitCode.NOTHING_FOUND,
        )
    return found[0]


def nothing_recorded(root: str) -> str:
    """Says that no session of the project at `root` is recorded; if it is a worktree, where its main checkout is."""
    said, main = f"No session is recorded for {root}.", root_of(root).main_root
    if main is None:
        return said
    return f"{said} It is a worktree of {main}: `carryover sessions {quoted(main)}` lists what was done there."


def may_be_running(state: StateDir) -> bool:
    """Whether a daemon runs, or nothing is known about it since its lock can't be read."""
    try:
        return FileLock(state.lock).holder() is not None
    except OSError:
        return True


def refuse_excluded(root: str, config: Config) -> None:
    """Raises UserError (REFUSED) if the project at `root` is excluded."""
    excluded = project_settings(Path(root), config).excluded
    if excluded:
        by_name = glob.escape(root) in config.projects.exclude  # as `carryover pause` excludes it
        what_next = f" `carryover unpause {quoted(root)}` includes it again." if by_name else ""
        raise UserError(f"{root} is left out of Carryover: excluded by {excluded}.{what_next}", ExitCode.REFUSED)


def of_recorded(state: StateDir, root: str, make: Callable[[sqlite3.Connection, int], T]) -> T | None:
    """Calls `make` with an up-to-date ledger and the project's id there; returns None if nothing is recorded of it.

    While Carryover is paused nothing is read; raises UserError (REFUSED) if it was paused before anything was recorded.
    """

    def made(ledger: sqlite3.Connection) -> T | None:
        project = project_by_root(ledger, root)
        return make(ledger, project.id) if project is not None else None

    if state.ledger.exists():
        complete = not state.paused.exists() and _bring_up_to_date(state, root)
        with recorded_ledger(state) as ledger:
            found = made(ledger)
        if found is not None or complete:
            return found
    with _on_disk(state, root) as ledger:
        return made(ledger)


def _bring_up_to_date(state: StateDir, root: str) -> bool:
    """Has the daemon read new records or, if none is running, reads this project's. False if that is incomplete."""
    from carryover.daemon.client import ask_daemon

    query = urlencode({"root": root})
    caught_up = False
    with suppress(TimeoutError):
        settled = ask_daemon(state.socket, "POST", f"/settle?{query}", timeout_s=SETTLE_LIMIT_S)
        if settled is None:
            return _read_here(state, root)
        with suppress(UserError, TimeoutError):
            ask_daemon(state.socket, "POST", f"/follow?{query}", timeout_s=SETTLE_LIMIT_S)
        caught_up = bool(settled["caught_up"])
    if not caught_up:
        warn("carryoverd is still reading; this is what it knows so far.")
    return caught_up


def _read_here(state: StateDir, root: str) -> bool:
    from carryover.actions.from_disk import catch_up

    try:
        load_config(state.config)
    except UserError:  # it is not known then what may be read; a warning says so
        return False
    try:
        catch_up(state, root)
    except UserError as trouble:
        warn(str(trouble))
        return False
    return True
