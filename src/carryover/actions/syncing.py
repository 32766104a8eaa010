"""Synchronises with the user's other machines, and decides with the user which machines to trust."""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from carryover.errors import ExitCode, UserError
from carryover.fsio import is_folder
from carryover.ledger.connect import reading
from carryover.ledger.queries import whereabouts
from carryover.ledger.store import Ledger
from carryover.past.context import now_ms, project_root, state_dir
from carryover.past.opened import ask_patiently, written_daemonless
from carryover.probe.git_command import ask
from carryover.probe.looks import look_at
from carryover.projects.root import StatePaths
from carryover.sync import membership
from carryover.sync.folder import OFF, Settings, SyncFolder
from carryover.sync.membership import Joined, own_log
from carryover.sync.rounds import Outcome, synchronise
from carryover.sync.status import SyncStatus, sync_status

SYNC_S: Final = 7_200.0
"""Time limit for the daemon's answer: a first sync sends all that was ever recorded."""
_GIT_S: Final = 2.0
_URLS: Final = ("config", "--null", "--get-regexp", r"^remote\..*\.(url|pushurl)$")
__all__ = ["SyncStatus"]


class Added(msgspec.Struct, frozen=True):
    """A machine that was let in. `own_code`: this machine's, which it will show, to be compared there."""

    machine: str
    code: str
    own_code: str


def standing() -> SyncStatus:
    """Says where synchronising stands. Raises UserError (NOTHING_FOUND) if it is off."""
    status = sync_status(state_dir())
    if status is None:
        raise UserError(OFF, ExitCode.NOTHING_FOUND)
    return status


def initialise(remote: str, *, name: str | None, projects: Sequence[str] | None) -> Joined:
    """Makes a store at the remote, or asks to join the one there. Raises UserError; sync is off then as before."""
    settings = Settings(
        remote=remote,
        machine=secrets.token_hex(8),
        name=membership.machine_name(name or socket.gethostname()),
        projects=tuple(project_root(one, must_exist=True) for one in projects) if projects else None,
        form=2,
    )
    return membership.initialise(state_dir(), settings, _remotes_of_projects(), now_ms=now_ms)


def join(is_same: Callable[[str, str], bool]) -> None:
    """Makes this machine a member of its store, if it is none yet, once the user has compared the code of the machine
    that has added it. Raises UserError (REFUSED) if no machine has added this one, or the codes differ."""
    folder = SyncFolder(state_dir())
    folder.settings()
    if folder.state().own is None:
        with own_log(state_dir(), now_ms) as own:
            membership.join(own, is_same)


def sync_once() -> Outcome:
    """Reads what is new on disk and synchronises once. Raises UserError (REFUSED while paused) if that ends early;
    nothing is lost then."""
    state = state_dir()
    if state.paused.exists():
        raise UserError(
            "Carryover is paused, so nothing was synchronised. `carryover unpause` ends that.", ExitCode.REFUSED
        )

    async def without_daemon(ledger: Ledger, paths: StatePaths) -> Outcome:
        from carryover.past.without_daemon import read_new

        await read_new(ledger, state)
        return await _synchronised(ledger, paths)

    ask_patiently(state, "/settle", timeout_s=SYNC_S)
    done = written_daemonless("/sync", Outcome, without_daemon, timeout_s=SYNC_S)
    if done.error is not None:
        raise UserError(*done.error)
    return done


async def _synchronised(ledger: Ledger, paths: StatePaths) -> Outcome:
    return await synchronise(ledger, paths, now_ms=now_ms, in_thread=asyncio.to_thread)


def add_machines(code: str | None, is_same: Callable[[str], bool]) -> list[Added]:
    """Lets in the machines that ask for it, if `is_same` says so of the code that each has, after comparing it.

    Whoever names a machine by its `code` has compared it. Raises UserError if none asks, or none was let in.
    """
    compared = "".join(code.split()) if code is not None else None

    def is_wanted(asks: str) -> bool:
        return is_same(asks) if compared is None else compared == asks.replace(" ", "")

    with own_log(state_dir(), now_ms) as own:
        waiting, added = membership.add(own, is_wanted)
    if not waiting or (code is not None and not added):
        raise UserError(
            "No such machine asks to be added. Nothing was changed. Run `carryover sync init REMOTE` there first.",
            ExitCode.NOTHING_FOUND,
        )
    if not added:
        raise UserError("No machine was added. Nothing was changed.", ExitCode.INTERRUPTED)
    return [Added(machine, asks, own.code) for machine, asks in added.items()]


def remove_machine(name: str) -> tuple[str, list[str]]:
    """Takes a machine out of the store, by its name or id, so that it can't read what is sent from now on. Returns its
    name, and those of the machines that are left besides this one."""
    with own_log(state_dir(), now_ms) as own:
        return membership.remove(own, name)


def end(*, delete: bool) -> None:
    """Ends synchronising on this machine; with `delete`, removes what it has written to the store first. Raises
    UserError (NOTHING_FOUND) if it is off."""
    state = state_dir()
    membership.leave(state, delete=delete)
    if not state.ledger.exists():
        return
    try:  # the ledger's writer notices that it is off
        written_daemonless("/sync", Outcome, _synchronised, timeout_s=SYNC_S)
    except UserError as error:
        if error.code != ExitCode.NOTHING_FOUND:
            raise


def _remotes_of_projects() -> dict[str, list[str]]:
    """Returns the remotes of each known project that is on this machine, and of the one that the command runs in."""
    roots = {project_root(None)}
    ledger = state_dir().ledger
    if ledger.exists():
        with reading(ledger) as db:
            roots |= {row.root for row in whereabouts(db) if row.root.startswith("/")}
    remotes = {root: _remotes(Path(root)) for root in sorted(roots)}
    return {root: addresses for root, addresses in remotes.items() if addresses is not None}


def _remotes(root: Path) -> list[str] | None:
    try:
        if not look_at(root, partial(is_folder, root)):
            return None
        [answer] = look_at(root, lambda: ask(root, _URLS, deadline=time.monotonic() + _GIT_S))
    except FileNotFoundError:
        return []
    except TimeoutError as error:
        raise UserError(
            f"git did not say in time which remotes the project {root} has. Nothing was changed. Try again."
        ) from error
    entries = answer.out.decode(errors="surrogateescape").split("\0")
    return [address for entry in entries if (address := entry.partition("\n")[2])]
