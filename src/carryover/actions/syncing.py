"""Synchronises with the user's other machines, through the daemon or without one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlencode

import msgspec

from carryover.actions.context import now_ms, project_root
from carryover.daemon.client import ask_daemon
from carryover.errors import ExitCode, UserError
from carryover.fsio import is_folder
from carryover.ledger.queries import connect_read_only, whereabouts
from carryover.paths import StateDir
from carryover.probe.git_command import ask
from carryover.sync.ledger_side import allowing
from carryover.sync.rounds import Outcome, synchronise

if TYPE_CHECKING:
    from carryover.ledger.store import Ledger
    from carryover.projects.root import StatePaths

ANSWER_S: Final = 7_200.0
"""Time limit for the daemon's answer: a first sync sends all that was ever recorded."""
_GIT_S: Final = 2.0
_URLS: Final = ("config", "--null", "--get-regexp", r"^remote\..*\.(url|pushurl)$")

T = TypeVar("T")


def sync_once(state: StateDir) -> Outcome:
    """Reads what is new on disk and synchronises once. Raises UserError if that ends early; nothing is lost then."""
    if state.paused.exists():
        raise UserError(
            "Carryover is paused, so nothing was synchronised. `carryover unpause` ends that.", ExitCode.REFUSED
        )
    answer = _ask(state, "/sync") if _ask(state, "/settle") is not None else None
    done = (
        msgspec.convert(answer, Outcome)
        if answer is not None
        else _here(state, lambda ledger, paths: _synchronised(state, ledger, paths))
    )
    if done.error is not None:
        raise UserError(done.error)
    return done


def allow(state: StateDir, folder: str | None) -> str:
    """Joins other machines' projects with the same one at `folder`. Returns what that means as a sentence."""
    root = project_root(folder, must_exist=True)
    answer = _ask(state, f"/sync/allow?{urlencode({'root': root})}")
    if answer is not None:
        return _text(answer)
    return _here(state, lambda ledger, paths: allowing.allow(ledger, paths, root))


def end(state: StateDir, *, forget: bool) -> None:
    """Has the ledger no longer note what changes; with `forget`, removes what came from other machines."""
    answer = _ask(state, f"/sync/end{'?forget=1' if forget else ''}")
    if answer is not None:
        _text(answer)
    else:
        _here(state, lambda ledger, _paths: allowing.end(ledger, forget=forget))


def remotes_of_projects(state: StateDir) -> dict[str, list[str]]:
    """Returns the remotes of each known project that is on this machine, and of the one that the command runs in."""
    roots = {project_root(None)}
    if state.ledger.exists():
        with closing(connect_read_only(state.ledger)) as db:
            roots |= {row.root for row in whereabouts(db) if row.root.startswith("/")}
    return {root: list(_remotes(Path(root))) for root in sorted(roots) if is_folder(Path(root))}


def _remotes(root: Path) -> Iterable[str]:
    try:
        [answer] = ask(root, _URLS, deadline=time.monotonic() + _GIT_S)
    except FileNotFoundError:
        return
    except TimeoutError as error:
        raise UserError(
            f"git did not say in time which remotes the project {root} has. Nothing was changed. Try again."
        ) from error
    for entry in answer.out.decode(errors="surrogateescape").split("\0"):
        if address := entry.partition("\n")[2]:
            yield address


def _ask(state: StateDir, target: str) -> dict[str, Any] | None:
    try:
        return ask_daemon(state.socket, "POST", target, timeout_s=ANSWER_S)
    except TimeoutError as error:
        raise UserError("carryoverd is still synchronising. `carryover sync status` shows how far it is.") from error


def _text(answer: dict[str, Any]) -> str:
    if answer.get("error"):
        raise UserError(str(answer["error"]))
    return str(answer.get("text", ""))


def _here(state: StateDir, do: Callable[[Ledger, StatePaths], Awaitable[T]]) -> T:
    from carryover.actions.from_disk import as_writer

    return as_writer(state, do)


async def _synchronised(state: StateDir, ledger: Ledger, paths: StatePaths) -> Outcome:
    from carryover.actions.from_disk import read_new

    await read_new(ledger, state)
    return await synchronise(state, ledger, paths, now_ms=now_ms, in_thread=asyncio.to_thread)
