"""Who belongs to the store: founding and joining it, adding and removing machines, leaving."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from carryover.errors import ExitCode, UserError
from carryover.fsio import private_dir
from carryover.paths import StateDir
from carryover.sync.address import normalised, usable_address, without_credentials
from carryover.sync.folder import OFF, OtherMachine, Settings, SyncFolder, SyncState
from carryover.sync.git_store import store_at
from carryover.sync.head import MOST_MACHINES, Head, Membership, Seen, View, code_of, opened_head
from carryover.sync.own_log import NOT_ADDED, OwnLog
from carryover.sync.sealing import Unreadable, age, make_key

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_NOTHING: Final = "Nothing was changed."


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """The result of `sync init`. `code`: this machine's, which the others compare."""

    founded: bool
    code: str
    machine: str
    name: str
    remote: str


@contextmanager
def own_log(state: StateDir, now_ms: Callable[[], int]) -> Iterator[OwnLog]:
    """Yields this machine's log, locked. Raises UserError if sync is off or another process is synchronising."""
    folder = SyncFolder(state)
    settings = folder.settings()
    age()
    with folder.locked():
        yield OwnLog(folder, store_at(folder.store, settings.remote), now_ms)


def machine_name(text: str) -> str:
    """Returns a machine's name with only the characters that a name may have."""
    return _UNSAFE.sub("-", text.partition(".")[0]).strip("-.")[:32] or "machine"


def initialise(
    state: StateDir, settings: Settings, remotes_of: Mapping[str, Iterable[str]], *, now_ms: Callable[[], int]
) -> Joined:
    """Creates a store at the remote, or asks the machines of an existing one to add this one.

    `remotes_of` has the remotes of all known projects, by root. Raises UserError; sync is then as before, but for one
    whose store could be read and not written: the next sync continues.
    """
    folder = SyncFolder(state)
    if folder.is_set_up:
        shown = without_credentials(folder.settings().remote)
        raise UserError(
            f"This machine already synchronises, with {shown}. {_NOTHING} `carryover sync` does it once, and "
            "`carryover sync off` ends it.",
            ExitCode.REFUSED,
        )
    age()
    settings = msgspec.structs.replace(settings, remote=usable_address(settings.remote))
    wanted = normalised(settings.remote)
    home = Path.home().resolve()
    for root, remotes in remotes_of.items():
        # Of the home folder, which a session may have run in, almost everything is a part.
        is_in_project = Path(wanted).is_relative_to(root) and not home.is_relative_to(root)
        if is_in_project or wanted in map(normalised, remotes):
            raise UserError(
                f"{without_credentials(settings.remote)} belongs to the project {root}, and what was said must not lie "
                f"beside its code. {_NOTHING} Make an empty repository or folder for it.",
                ExitCode.REFUSED,
            )
    private_dir(state.root)
    private_dir(folder.path)
    try:
        with folder.locked():
            return _initialised(folder, settings, now_ms)
    except BaseException:
        if not folder.is_set_up:
            with suppress(OSError):
                folder.remove()
        raise


def _initialised(folder: SyncFolder, settings: Settings, now_ms: Callable[[], int]) -> Joined:
    remote = without_credentials(settings.remote)
    store = store_at(folder.store, settings.remote)
    fetched = store.fetch()
    if fetched.foreign is not None:
        raise UserError(
            f"{remote} holds something else ({fetched.foreign}), not a store of Carryover. {_NOTHING} Give an empty "
            "repository, or an empty folder.",
            ExitCode.REFUSED,
        )
    is_there = any({"key", "head"} <= files.keys() for files in fetched.files.values())
    make_key(folder.key_file)
    members = Membership({settings.machine: folder.key().public})
    head = Head(store=secrets.token_hex(8), machine=settings.machine, name=settings.name, membership=members)
    folder.save(SyncState(own=None if is_there else head))
    # Set up before the store is written: nobody else could add anyone to what is there then, whatever ends this.
    folder.create(settings)
    own = OwnLog(folder, store, now_ms)
    if is_there:
        own.ask()
    else:
        own.write(own.view(), head, without_history=True)
    return Joined(founded=not is_there, code=own.code, machine=settings.machine, name=settings.name, remote=remote)


def join(own: OwnLog, is_same: Callable[[str, str], bool]) -> None:
    """Makes this machine a member if another one has added it and `is_same` says so of that machine's name and code,
    which the user compares: only that proves that it is the user's. Writes this machine's first head.

    Raises UserError (REFUSED) if no machine has added this one, or the codes differ.
    """
    others = [branch for branch in own.fetch() if branch.machine != own.settings.machine]
    own.ask()
    for branch in others:
        try:
            head = opened_head(branch, branch.public or "", own.key)
        except Unreadable:
            continue
        if head.membership.active.get(own.settings.machine) == own.key.public:
            break
    else:
        raise UserError(f"{NOT_ADDED} This machine's code: {own.code}", ExitCode.REFUSED)
    if not is_same(head.name, code_of(branch.machine, branch.public or "")):
        raise UserError(
            "Nothing was sent or taken. If the codes differ, somebody else answers: `carryover sync off`.",
            ExitCode.REFUSED,
        )
    me = Head(store=head.store, machine=own.settings.machine, name=own.settings.name)
    maker = OtherMachine(name=head.name, seen=Seen(head.sequence, branch.sha))
    own.save(own=me, membership=Membership() | head.membership, machines={head.machine: maker})
    own.write(replace(own.view(), heads={head.machine: head}), own.head, without_history=True)


def add(own: OwnLog, is_wanted: Callable[[str], bool]) -> tuple[int, dict[str, str]]:
    """Adds those machines that ask for it whose code `is_wanted`, since the user has compared it. Returns how many ask,
    and the codes of those that were added, by id."""
    view = own.read()
    own.note(view, view.problems)
    codes = {machine: code_of(machine, public) for machine, public in view.waiting.items()}
    added = {machine: code for machine, code in codes.items() if is_wanted(code)}
    change = Membership({machine: view.waiting[machine] for machine in added})
    if not added.keys() <= (view.membership | change).members.keys():
        raise UserError(
            f"The store has had {MOST_MACHINES} machines, and no head has room for more. {_NOTHING} Make a new store: "
            "`carryover sync off`, then `carryover sync init REMOTE` with another remote, on each machine.",
            ExitCode.REFUSED,
        )
    if added:
        waiting = {machine: public for machine, public in view.waiting.items() if machine not in added}
        _tell(own, replace(view, waiting=waiting), change)
    return len(codes), added


def remove(own: OwnLog, name: str) -> tuple[str, list[str]]:
    """Removes a machine, by its name or id, so that it can't read what is sent from now on.

    Returns its name, and the names of the other machines that remain.
    """
    view = own.read()
    own.note(view, view.problems)
    others = {machine: own.state.machines[machine].name for machine in view.membership.active if machine != view.me}
    found = [machine for machine, called in others.items() if name in (machine, called)]
    if len(found) != 1:
        names = ", ".join(f"{called} ({machine})" for machine, called in sorted(others.items())) or "none"
        what = "no machine" if not found else "more than one machine"
        raise UserError(
            f"The store has {what} {name!r} besides this one. {_NOTHING} Its other machines, with their ids: {names}. "
            "`carryover sync off` takes this machine out.",
            ExitCode.NOTHING_FOUND,
        )
    _tell(own, view, Membership(removed={found[0]: view.seen.get(found[0], Seen())}))
    return others.pop(found[0]), sorted(others.values())


def _tell(own: OwnLog, view: View, change: Membership) -> None:
    view = replace(view, membership=view.membership | change)
    own.write(view, own.head)
    own.note(view, view.problems)


def leave(state: StateDir, *, delete: bool) -> None:
    """Ends synchronising on this machine; with `delete`, removes what it has written to the store first."""
    folder = SyncFolder(state)
    if not folder.is_set_up:
        raise UserError(OFF, ExitCode.NOTHING_FOUND)
    with folder.locked():
        if delete:
            settings = folder.settings()
            store = store_at(folder.store, settings.remote)
            fetched = store.fetch()
            if settings.machine in fetched.files or settings.machine in fetched.refused:
                store.write(settings.machine, {}, (), without_history=True)
        folder.remove()
