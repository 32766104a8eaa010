"""Synchronises with the user's other machines, and decides with the user which machines belong to the store."""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from carryover.errors import ExitCode, UserError
from carryover.fsio import is_folder, private_dir
from carryover.ledger.connect import reading
from carryover.ledger.queries import whereabouts
from carryover.ledger.store import Ledger
from carryover.past.context import now_ms, project_root, state_dir
from carryover.past.opened import ask_patiently, written_daemonless
from carryover.past.without_daemon import read_new
from carryover.probe.git_command import ask
from carryover.probe.looks import look_at
from carryover.projects.root import StatePaths
from carryover.sync.address import folder_at, normalised, usable_address, without_credentials
from carryover.sync.folder import OFF, Settings, SyncFolder, SyncState
from carryover.sync.git_store import store_at
from carryover.sync.head import Head, code_of
from carryover.sync.own_log import OwnLog, own_log
from carryover.sync.rounds import Outcome, synchronise
from carryover.sync.sealing import age, make_key, new_secret
from carryover.sync.status import SyncStatus, sync_status

SYNC_S: Final = 7_200.0
"""Time limit for the daemon's answer: a first sync sends all that was ever recorded."""
_GIT_S: Final = 2.0
_URLS: Final = ("config", "--null", "--get-regexp", r"^remote\..*\.(url|pushurl)$")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_NOTHING: Final = "Nothing was changed."
__all__ = ["SyncStatus"]


def standing() -> SyncStatus:
    """Says where synchronising stands. Raises UserError (NOTHING_FOUND) if it is off."""
    status = sync_status(state_dir())
    if status is None:
        raise UserError(OFF, ExitCode.NOTHING_FOUND)
    return status


@contextmanager
def opened_log() -> Iterator[OwnLog]:
    """Yields this machine's log, locked. Raises UserError if sync is off or another process is synchronising."""
    with own_log(state_dir(), now_ms) as own:
        yield own


def initialise_sync(remote: str, *, name: str | None, projects: Sequence[str] | None) -> Settings:
    """Sets this machine up to synchronise with those that have a part in the store at the remote; none reads another
    before the user has compared their codes.

    Raises UserError; sync is then as before, but for one whose store could be read and not written: the next sync
    continues.
    """
    folder = SyncFolder(state_dir())
    if folder.is_set_up:
        shown = without_credentials(folder.settings().remote)
        raise UserError(
            f"This machine already synchronises, with {shown}. {_NOTHING} `carryover sync` does it once, and "
            "`carryover sync off` ends it.",
            ExitCode.REFUSED,
        )
    age()
    address = usable_address(remote)
    roots = tuple(project_root(one, must_exist=True) for one in projects) if projects else None
    _refuse_project(address)
    private_dir(state_dir().root)
    private_dir(folder.path)
    try:
        with folder.locked():
            machine = secrets.token_hex(8)
            store = store_at(folder.store, address, machine)
            _refuse_foreign(address, store.fetch().foreign)
            make_key(folder.key_file)
            # Only the characters that a name may have.
            called = _UNSAFE.sub("-", (name or socket.gethostname()).partition(".")[0]).strip("-.")[:32] or "machine"
            code = code_of(machine, folder.key().public)
            folder.save(SyncState(own=Head(machine=machine, name=called, secret=new_secret())))
            settings = Settings(remote=address, machine=machine, name=called, code=code, projects=roots)
            # Set up before the store is written: what is there then is of this machine, whatever ends this.
            folder.create(settings)
            OwnLog(folder, store, now_ms).publish()
            return settings
    except BaseException:
        if not folder.is_set_up:
            with suppress(OSError):
                folder.remove()
        raise


def _refuse_project(remote: str) -> None:
    """Raises UserError (REFUSED) if the store would be in a known project, or in a remote of one."""
    roots = {project_root(None)}
    ledger = state_dir().ledger
    if ledger.exists():
        with reading(ledger) as db:
            roots |= {row.root for row in whereabouts(db) if row.root.startswith("/")}
    wanted = normalised(remote)
    home = Path.home().resolve()
    for root in sorted(roots):
        remotes = _remotes(Path(root))
        # Of the home folder, which a session may have run in, almost everything is a part.
        is_in_project = Path(wanted).is_relative_to(root) and not home.is_relative_to(root)
        if remotes is not None and (is_in_project or wanted in map(normalised, remotes)):
            raise UserError(
                f"{without_credentials(remote)} belongs to the project {root}, and what was said must not lie beside "
                f"its code. {_NOTHING} Make an empty repository or folder for it.",
                ExitCode.REFUSED,
            )


def _remotes(root: Path) -> list[str] | None:
    """Returns the remotes of a project; None if its folder is not there."""
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


def _refuse_foreign(address: str, foreign: str | None) -> None:
    if foreign is not None:
        is_folder = folder_at(address) is not None
        empty = "folder: a path names a folder, even if a git repository is in it" if is_folder else "repository"
        raise UserError(
            f"{without_credentials(address)} holds something else ({foreign}), not a store of Carryover. {_NOTHING} "
            f"Give an empty {empty}.",
            ExitCode.REFUSED,
        )


def sync_once() -> Outcome:
    """Reads what is new on disk and synchronises once. Raises UserError (REFUSED while paused) if that ends early;
    nothing is lost then."""
    state = state_dir()
    if state.paused.exists():
        raise UserError(
            "Carryover is paused, so nothing was synchronised. `carryover unpause` ends that.", ExitCode.REFUSED
        )

    async def without_daemon(ledger: Ledger, paths: StatePaths) -> Outcome:
        await read_new(ledger, state)
        return await _synchronised(ledger, paths)

    ask_patiently(state, "/settle", timeout_s=SYNC_S)
    done = written_daemonless("/sync", Outcome, without_daemon, timeout_s=SYNC_S)
    if done.error is not None:
        raise UserError(*done.error)
    return done


async def _synchronised(ledger: Ledger, paths: StatePaths) -> Outcome:
    return await synchronise(ledger, paths, now_ms=now_ms, in_thread=asyncio.to_thread)


def add_machines(own: OwnLog, code: str | None, is_same: Callable[[str], bool]) -> list[str]:
    """Has this machine read those that ask for it, and they this one, if `is_same` says so of the code that each has,
    after comparing it; returns these codes.

    Whoever names a machine by its `code` has compared it. Raises UserError if none asks, or none was added.
    """
    view = own.read()
    own.note(view)
    codes = {machine: code_of(machine, public) for machine, public in view.waiting.items()}
    if code is not None:
        compared = "".join(code.split())
        codes = {machine: asks for machine, asks in codes.items() if compared == asks.replace(" ", "")}
    if not codes:
        raise UserError(
            f"No such machine asks to be added. {_NOTHING} Run `carryover sync init REMOTE` there first.",
            ExitCode.NOTHING_FOUND,
        )
    added = {machine: asks for machine, asks in codes.items() if code is not None or is_same(asks)}
    if not added:
        raise UserError(f"No machine was added. {_NOTHING}", ExitCode.INTERRUPTED)
    own.add(view, {machine: view.waiting[machine] for machine in added})
    return list(added.values())


def remove_machine(own: OwnLog, name: str, ask: Callable[[str], None]) -> tuple[str, list[str]]:
    """Removes a machine, by its name or id, so that it can't read what is sent from now on. `ask` raises UserError if
    the user does not want that of the machine with this name.

    Returns its name, and the names of the other machines that remain.
    """
    view = own.read()
    own.note(view)
    others = {machine: peer.name for machine, peer in view.peers.items() if peer.removed is None}
    found = [machine for machine, called in others.items() if name in (machine, called)]
    if len(found) != 1:
        names = ", ".join(f"{called} ({machine})" for machine, called in sorted(others.items())) or "none"
        what = "no machine" if not found else "more than one machine"
        raise UserError(
            f"The store has {what} {name!r} besides this one. {_NOTHING} Its other machines, with their ids: {names}. "
            "`carryover sync off` takes this machine out.",
            ExitCode.NOTHING_FOUND,
        )
    ask(others[found[0]])
    own.remove(view, found[0])
    return others.pop(found[0]), sorted(others.values())


def end_syncing(*, delete: bool) -> None:
    """Ends synchronising on this machine; with `delete`, removes what it has written to the store first. Raises
    UserError (NOTHING_FOUND) if it is off."""
    folder = SyncFolder(state_dir())
    if not folder.is_set_up:
        raise UserError(OFF, ExitCode.NOTHING_FOUND)
    with folder.locked():
        if delete:
            settings = folder.settings()
            store = store_at(folder.store, settings.remote, settings.machine)
            store.fetch()
            store.publish(())
        folder.remove()
    if not state_dir().ledger.exists():
        return
    try:  # the ledger's writer notices that it is off
        written_daemonless("/sync", Outcome, _synchronised, timeout_s=SYNC_S)
    except UserError as error:
        if error.code != ExitCode.NOTHING_FOUND:
            raise
