"""The one way to what is recorded, for all that commands and the MCP server ask: with a daemon or without one.

What is opened is the user's ledger or, where there is none, a temporary one made of what the agents left on disk. What
is written is written by the daemon or, while none runs, here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from carryover.config import load_config
from carryover.daemon.client import SETTLE_LIMIT_S, DaemonHangs, ask_daemon
from carryover.errors import UserError
from carryover.facts import is_foreign
from carryover.fsio import FileLock
from carryover.ledger.connect import is_made, reading_tolerantly
from carryover.ledger.queries import newest_session, project_by_root, session_by_prefix
from carryover.ledger.rows import ProjectRow, SessionRow
from carryover.model import LAST
from carryover.past.context import (
    HANGS,
    known_places,
    nothing_recorded,
    project_root,
    settings_to_print,
    state_dir,
    warn_once,
)
from carryover.terminal.output import warn

if TYPE_CHECKING:
    from carryover.ledger.store import Ledger
    from carryover.projects.root import StatePaths

_T = TypeVar("_T")
MANY: Final = 40
"""From so many transcripts on, it takes seconds to read them."""


class Want(Enum):
    """What is done before the ledger is opened."""

    AS_IT_IS = auto()
    """Nothing is read, written or joined."""
    FOLLOWED = auto()
    """If nothing is known of the project, what was recorded before its folder was moved is joined."""
    LISTED = auto()
    """The same, and a warning says if no daemon keeps the ledger fresh."""
    RECORDED = auto()
    """Nothing is read of what is new, since a daemon runs but hangs. If the ledger lacks the project, what is on disk
    is opened instead."""
    FRESH = auto()
    """New records of the project are read, unless Carryover is paused. If the ledger then still lacks the project and
    may be incomplete, what is on disk is opened instead."""


@contextmanager
def opened(
    want: Want,
    root: str | None = None,
    *,
    session: str | None = None,
    around: bool = False,
    most_bytes: int = 0,
) -> Iterator[tuple[sqlite3.Connection, ProjectRow | None]]:
    """Opens what is recorded of the project at `root`, or of all projects; yields that project too, if anything is
    recorded of it.

    What a temporary ledger is made of is narrowed to that project, with `around` also to those that contain it; to
    sessions whose id begins with `session`; or to the newest `most_bytes` of transcripts. Damaged entries are
    skipped; their number is printed on stderr at the end. Raises UserError (REFUSED) if Carryover was paused before
    anything was recorded.
    """
    state = state_dir()
    if is_made(state.ledger):
        is_complete = _prepared(want, root)
        with reading_tolerantly(state.ledger, warn) as ledger:
            project = project_by_root(ledger, root) if root is not None else None
            if is_complete or project is not None:
                yield ledger, project
                return
    from carryover.importing.declared import all_agents
    from carryover.past.from_disk import chosen_sources, temporary_ledger, tombstones_of

    config = msgspec.structs.replace(settings_to_print(), paused=state.paused.exists())
    sources = chosen_sources(config, root, session, around=around, most_bytes=most_bytes)
    if len(sources) > MANY and not is_made(state.ledger):
        again = "and again each time: `carryover install` keeps them read."
        warn_once(f"{len(sources)} transcripts are read for this, {again}")
    agents, excluded = all_agents(config.sources), tombstones_of(state)  # what the user had forgotten stays out
    with temporary_ledger(sources, agents, tombstones=excluded) as ledger:
        yield ledger, project_by_root(ledger, root) if root is not None else None


def session_named(ledger: sqlite3.Connection, name: str) -> SessionRow:
    """Returns the session with this id or prefix, or this project's newest (`last`). Raises UserError if none fits."""
    if name != LAST:
        return session_by_prefix(ledger, name)
    root = project_root(None)
    project = project_by_root(ledger, root)
    newest = newest_session(ledger, project.id) if project is not None else None
    if newest is None:
        raise nothing_recorded(root)
    return newest


def may_be_running() -> bool:
    """Whether a daemon runs, or nothing is known about it since its lock can't be read."""
    try:
        return FileLock(state_dir().lock).holder() is not None
    except OSError:
        return True


ALIVE_S: Final = 10.0
"""How long a daemon may take to say that it is there, before it is asked for what may take minutes."""


def ask_patiently(target: str, query: Mapping[str, object] | None = None, *, timeout_s: float) -> dict[str, Any] | None:
    """Returns the daemon's answer to `POST target`; None if none runs. Raises UserError, also if it comes too late, or
    if the daemon does not even say that it is there."""
    socket = state_dir().socket
    try:
        with suppress(UserError):  # that nothing is at this address: it takes neither the ledger nor a thread to say so
            if ask_daemon(socket, "GET", "/", timeout_s=min(ALIVE_S, timeout_s)) is None:
                return None
    except TimeoutError as error:
        raise UserError("carryoverd runs, but does not answer. Run `carryover restart`, then this again.") from error
    try:
        return ask_daemon(socket, "POST", target, query, timeout_s=timeout_s)
    except TimeoutError as error:
        raise UserError(
            f"carryoverd has not finished after {timeout_s:g} s and is still at work. Run the same command again later."
        ) from error


def written_daemonless(
    target: str,
    query: Mapping[str, object],
    kind: type[_T],
    do: Callable[[Ledger, StatePaths], Awaitable[_T]],
    *,
    timeout_s: float,
    otherwise: str = "Nothing was changed.",
) -> _T:
    """Returns the daemon's answer to `POST target`, which writes to the ledger, or, if none runs, that of `do`.

    Raises UserError, which ends with `otherwise` if `do` can't be run.
    """
    answer = ask_patiently(target, query, timeout_s=timeout_s)
    if answer is not None:
        return msgspec.convert(answer, kind)
    from carryover.past.without_daemon import as_writer

    return as_writer(do, otherwise)


def _prepared(want: Want, root: str | None) -> bool:
    """Does what `want` says. Returns whether the ledger is all there is to open."""
    if want is Want.FRESH:
        return root is not None and not state_dir().paused.exists() and _bring_up_to_date(root)
    if want is Want.RECORDED:
        return False
    if want in (Want.FOLLOWED, Want.LISTED) and root is not None and _may_have_moved_to(root):
        with suppress(UserError):  # as if another process is using the ledger
            _follow(root)
    if want is Want.LISTED and not may_be_running():
        warn_once("carryoverd is not running: newer sessions may be missing here. `carryover start` has them read.")
    return True


def _may_have_moved_to(root: str) -> bool:
    """Whether nothing is known of `root`, but of a project that may have been there before it was moved."""
    if is_foreign(root) or state_dir().paused.exists():
        return False
    projects = known_places()
    if any(project.root == root and project.has_sessions for project in projects):
        return False
    from carryover.projects.moved_folders import may_have_moved

    return any(may_have_moved(project, root) for project in projects)


def _follow(root: str) -> None:
    """Has the daemon join what was recorded before the project was moved or, if none is running, joins it."""
    with suppress(TimeoutError):
        if _ask_about("/follow", root) is None:
            from carryover.past.without_daemon import follow_moved

            follow_moved(root)


def _bring_up_to_date(root: str) -> bool:
    """Has the daemon read and join what is new or, if none is running, reads what is new of this project. False if that
    is incomplete."""
    caught_up = False
    try:
        settled = _ask_about("/settle", root)
    except DaemonHangs:
        warn_once(HANGS)
        return False
    except TimeoutError:
        pass
    else:
        if settled is None:
            return _read_here(root)
        with suppress(UserError, TimeoutError):
            _ask_about("/follow", root)
        caught_up = bool(settled["caught_up"])
    if not caught_up:
        warn("carryoverd is still reading; this is what it knows so far.")
    return caught_up


def _ask_about(target: str, root: str) -> dict[str, Any] | None:
    query = {"root": root}
    return ask_daemon(state_dir().socket, "POST", target, query, timeout_s=SETTLE_LIMIT_S, gives_up=True)


def _read_here(root: str) -> bool:
    """Reads what is new of the project as a daemon would; a warning says if that is not all. Returns whether it is."""
    from carryover.past.without_daemon import catch_up

    try:
        load_config(state_dir().config)
    except UserError:  # it is not known then what may be read; a warning says so
        return False
    try:
        is_whole = catch_up(root)
    except UserError as trouble:
        warn(str(trouble))
        return False
    if not is_whole:
        warn("A store with the sessions of many projects takes long to read; this is what is known so far. Ask again.")
    return is_whole
