"""Synchronises with the user's other machines, and decides with the user which machines belong to the store."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from carryover.clock import utc_now_ms
from carryover.errors import ExitCode, UserError
from carryover.fsio import private_dir
from carryover.past.context import known_places, project_root, refuse_paused, state_dir
from carryover.past.opened import ask_patiently
from carryover.past.without_daemon import as_writer, read_new
from carryover.probe.git_command import ask_one
from carryover.probe.looks import look_at
from carryover.sync.address import folder_at, usable_address, without_credentials
from carryover.sync.folder import OFF, SyncFolder, SyncState
from carryover.sync.git_store import store_at
from carryover.sync.head import Head, code_of
from carryover.sync.own_log import OwnLog, own_log
from carryover.sync.rounds import Outcome, synchronise
from carryover.sync.sealing import age, make_key
from carryover.sync.status import SyncStatus, sync_status
from carryover.text.pattern import later

SYNC_S: Final = 7_200.0
"""Time limit for the daemon's answer: a first sync sends all that was ever recorded."""
_GIT_S: Final = 2.0
_URLS: Final = ("config", "--null", "--get-regexp", r"^remote\..*\.(url|pushurl)$")
_UNSAFE: Final = later(r"[^A-Za-z0-9._-]+")
_NOTHING: Final = "Nothing was changed."
__all__ = ["SyncStatus"]


def standing() -> SyncStatus:
    """Says where synchronising stands. Raises UserError (NOTHING_FOUND) if it is off."""
    status = sync_status(state_dir())
    if status is None:
        raise UserError(OFF, ExitCode.NOTHING_FOUND)
    return status


def initialise_sync(remote: str, *, name: str | None) -> SyncStatus:
    """Sets this machine up to synchronise with those that have a part in the store at the remote; none reads another
    before the user has compared their codes.

    Raises UserError; sync is then as before, but for one whose store could be read and not written: the next sync
    continues.
    """
    folder = SyncFolder(state_dir())
    if folder.is_set_up:
        shown = without_credentials(folder.state().remote)
        raise UserError(
            f"This machine already synchronises, with {shown}. {_NOTHING} `carryover sync` does it once, and "
            "`carryover sync off` ends it.",
            ExitCode.REFUSED,
        )
    if not remote.strip():  # a variable that is not set; the folder that this runs in is not meant
        raise UserError(f"The address of the store is empty. {_NOTHING} Give a git remote or a folder.", ExitCode.USAGE)
    age()
    address = usable_address(remote)
    _refuse_project(address)
    private_dir(state_dir().root)
    try:
        with folder.locked():
            machine = secrets.token_hex(8)
            store = store_at(folder.store, address, machine)
            if (foreign := store.fetch().foreign) is not None:
                raise UserError(
                    f"{without_credentials(address)} holds something else ({foreign}), not a store of Carryover. "
                    f"{_NOTHING} Give an empty git repository, by an address of ssh or https, or an empty folder.",
                    ExitCode.REFUSED,
                )
            make_key(folder.key_file)
            # Only the characters that a name may have.
            called = _UNSAFE.sub("-", (name or socket.gethostname()).partition(".")[0]).strip("-.")[:32] or "machine"
            code = code_of(machine, folder.key().public)
            own = Head(machine=machine, name=called)
            # Set up before the store is written: what is there then is of this machine, whatever ends this.
            folder.save(SyncState(remote=address, code=code, own=own))
            OwnLog(folder, store, utc_now_ms).publish()
            return standing()
    except BaseException:
        if not folder.is_set_up:
            with suppress(OSError):
                shutil.rmtree(folder.path)
        raise


def _refuse_project(remote: str) -> None:
    """Raises UserError (REFUSED) if the store would be in a known project, or at the address of a remote of one: one
    that holds something is refused however its address is written."""
    roots = {project_root(None), *(row.root for row in known_places() if row.root.startswith("/"))}
    folder = folder_at(remote)
    place = Path(os.path.realpath(folder)) if folder is not None else None
    home = Path.home().resolve()
    for root in sorted(roots):
        # Of the home folder, which a session may have run in, almost everything is a part.
        is_in_project = place is not None and place.is_relative_to(root) and not home.is_relative_to(root)
        if is_in_project or remote in _remotes(Path(root)):
            raise UserError(
                f"{without_credentials(remote)} belongs to the project {root}, and what was said must not lie beside "
                f"its code. {_NOTHING} Make an empty repository or folder for it.",
                ExitCode.REFUSED,
            )


def _remotes(root: Path) -> list[str]:
    """Returns the remotes of a project."""
    try:
        answer = look_at(root, lambda: ask_one(root, *_URLS, timeout_s=_GIT_S))
    except FileNotFoundError:
        return []
    except TimeoutError as error:
        raise UserError(
            f"git did not say in time which remotes the project {root} has. {_NOTHING} Try again."
        ) from error
    entries = answer.out.decode(errors="surrogateescape").split("\0")
    return [address for entry in entries if (address := entry.partition("\n")[2])]


def sync_once() -> Outcome:
    """Reads what is new on disk and synchronises once. Raises UserError (REFUSED while paused, NOTHING_FOUND if it is
    off) if that ends early; nothing is lost then."""
    refuse_paused("synchronised")
    SyncFolder(state_dir()).state()  # where it is off, nothing need be read, and before an install nothing can be kept
    if ask_patiently("/settle", timeout_s=SYNC_S) is None:
        as_writer(lambda ledger, _paths: read_new(ledger))  # before the sync, since the store may be out of reach
    return _synchronised()


def _synchronised() -> Outcome:
    """Synchronises, in the daemon if one runs. The ledger is locked only while it is written to: the store may take an
    hour to answer, and a daemon may start meanwhile. Raises UserError."""
    answer = ask_patiently("/sync", timeout_s=SYNC_S)
    if answer is not None:
        return msgspec.convert(answer, Outcome)
    done = synchronise(
        state_dir(), lambda do: asyncio.to_thread(as_writer, do), now_ms=utc_now_ms, in_thread=asyncio.to_thread
    )
    return asyncio.run(done)


def add_machine(code: str) -> SyncStatus:
    """Has this machine and the one that shows this code read each other, once that has added this one too. Raises
    UserError."""
    with own_log(state_dir(), utc_now_ms) as own:
        own.add(code)
    return standing()


def remove_machine(name: str) -> SyncStatus:
    """Removes a machine, by its name or id, so that it can't read what is sent from now on. Raises UserError."""
    with own_log(state_dir(), utc_now_ms) as own:
        own.remove(name)
    return standing()


def end_syncing(*, delete: bool) -> None:
    """Ends synchronising on this machine; with `delete`, removes what it has written to the store first. Raises
    UserError."""
    folder = SyncFolder(state_dir())
    with folder.locked():
        if delete:
            state = folder.state()
            store = store_at(folder.store, state.remote, state.own.machine)
            store.fetch()
            store.publish(())
        shutil.rmtree(folder.path)
    if not state_dir().ledger.exists():
        return
    try:  # the ledger's writer notices that it is off
        _synchronised()
    except UserError as error:
        if error.code != ExitCode.NOTHING_FOUND:
            raise
