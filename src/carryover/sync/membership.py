"""Who belongs to the store: founding and joining it, adding and removing machines, compacting, leaving."""

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
from carryover.sync import manifest
from carryover.sync.address import normalised, usable_address, without_credentials
from carryover.sync.branch import OwnBranch
from carryover.sync.folder import OFF, OtherMachine, Settings, State, SyncFolder
from carryover.sync.manifest import Keys, Manifest, Membership, Seen
from carryover.sync.sealing import Unreadable, age, new_epoch, new_identity
from carryover.sync.store import GitStore, StoreTrouble, machine_of
from carryover.sync.trust import View, first_view

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_NOTHING: Final = "Nothing was changed."


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """The result of `sync init`. `code` is the store's if this machine created it, else this machine's."""

    founded: bool
    code: str
    machine: str
    name: str
    remote: str


class Admission(msgspec.Struct, frozen=True):
    """A machine's offer to belong to its store. Only comparing the code proves that it is the user's store."""

    manifest: Manifest
    keys: Keys
    seen: Seen

    @property
    def code(self) -> str:
        """The store's code."""
        return manifest.store_code(self.manifest.store, self.keys.epochs)


@contextmanager
def own_branch(state: StateDir, now_ms: Callable[[], int]) -> Iterator[OwnBranch]:
    """Yields this machine's branch, locked. Raises UserError if sync is off or another process is synchronising."""
    folder = SyncFolder(state)
    settings = folder.settings()
    age()
    with folder.locked():
        yield OwnBranch(folder, GitStore(folder.store, settings.remote), now_ms=now_ms)


def machine_name(text: str) -> str:
    """Returns a machine's name with only the characters that a name may have."""
    return _UNSAFE.sub("-", text.partition(".")[0]).strip("-.")[:32] or "machine"


def initialise(
    state: StateDir, settings: Settings, remotes_of: Mapping[str, Iterable[str]], *, now_ms: Callable[[], int]
) -> Joined:
    """Creates a store at the remote, or asks the machines of an existing one to be added.

    `remotes_of` has the remotes of all known projects, by root. Raises UserError; sync then stays off.
    """
    folder = SyncFolder(state)
    if folder.is_set_up:
        shown = without_credentials(folder.settings().remote)
        raise UserError(
            f"This machine already synchronises, with {shown}. {_NOTHING} `carryover sync off` ends that.",
            ExitCode.REFUSED,
        )
    age()
    settings = msgspec.structs.replace(settings, remote=usable_address(settings.remote), machine=secrets.token_hex(8))
    wanted = normalised(settings.remote)
    home = Path.home().resolve()
    for root, remotes in remotes_of.items():
        # Of the home folder, which a session may have run in, almost everything is a part.
        is_in_project = Path(wanted).is_relative_to(root) and not home.is_relative_to(root)
        if is_in_project or wanted in map(normalised, remotes):
            raise UserError(
                f"{without_credentials(settings.remote)} belongs to the project {root}, and what was said must not lie "
                f"beside its code. {_NOTHING} Make an empty repository for it, for example with "
                "`git init --bare FOLDER`.",
                ExitCode.REFUSED,
            )
    folder.remove()
    private_dir(state.root)
    private_dir(folder.path)
    try:
        return _initialised(folder, settings, now_ms)
    except BaseException:
        with suppress(OSError):
            folder.remove()
        raise


def _initialised(folder: SyncFolder, settings: Settings, now_ms: Callable[[], int]) -> Joined:
    store = GitStore(folder.store, settings.remote)
    store.create()
    refs = store.remote_refs()
    if foreign := [ref for ref in refs if machine_of(ref) is None]:
        raise UserError(
            f"{without_credentials(settings.remote)} holds something else ({foreign[0]}), not a store of Carryover. "
            f"{_NOTHING} Give an empty repository.",
            ExitCode.REFUSED,
        )
    with folder.locked():
        secret = new_identity()
        found = not refs
        folder.create(settings, secret, State(store=secrets.token_hex(8), epochs=(new_epoch(1),)) if found else State())
        own = OwnBranch(folder, store, now_ms=now_ms)
        if found:
            own.write(first_view(own.manifest(), own.state).with_epoch())
        else:
            own.ask()
        own.push()
    if found and [ref for ref in store.remote_refs() if machine_of(ref) != settings.machine]:
        with suppress(StoreTrouble):
            store.push(settings.machine, None, own.state.head)
        raise UserError(f"Another machine made a store there at the same moment. {_NOTHING} Run this again to join it.")
    return Joined(
        founded=found,
        code=manifest.store_code(own.state.store, own.state.epochs) if own.state.store else own_code(own),
        machine=settings.machine,
        name=settings.name,
        remote=without_credentials(settings.remote),
    )


def own_code(own: OwnBranch) -> str:
    """Returns the code to compare when this machine is added."""
    return manifest.join_code(own.settings.machine, own.key.recipient)


def admission(own: OwnBranch) -> Admission | None:
    """Looks for a machine in the store that has added this one; None if there is none. Raises StoreTrouble."""
    branches = own.fetch()
    own.ask()
    own.push()
    for branch in sorted(branches, key=lambda one: one.machine):
        with suppress(Unreadable, ValueError):
            keys = manifest.opened_keys(branch, own.key)
            theirs = manifest.opened_manifest(branch, keys.epochs)
            if theirs.membership.active.get(own.settings.machine) == own.key.recipient:
                return Admission(theirs, keys, Seen(theirs.sequence, branch.sha))
    return None


def accept(own: OwnBranch, offer: Admission) -> None:
    """Makes this machine a member, after the user has compared the store's code. Sends its first manifest."""
    by = offer.manifest.machine
    maker = OtherMachine(name=offer.manifest.name, seen=offer.seen, met=True)
    view = replace(
        first_view(msgspec.structs.replace(offer.manifest, machine=own.settings.machine), own.state),
        epochs={epoch.id: epoch for epoch in offer.keys.epochs},
        challenges={by: offer.keys.challenge},
        seen={by: offer.seen},
    )
    own.write(view.with_epoch(), store=offer.manifest.store, machines={by: maker})
    own.push()


def waiting(own: OwnBranch) -> dict[str, str]:
    """Returns the codes of the machines that want to be added, by id."""
    view = own.read()
    own.note(view, view.problems)
    return {machine: manifest.join_code(machine, recipient) for machine, recipient in view.waiting.items()}


def add(own: OwnBranch, machine: str, code: str) -> str:
    """Adds a machine whose code the user has compared. Returns the store's code, which that machine shows as well."""
    view = own.read()
    recipient = {**view.waiting, **view.membership.members}.get(machine, "")
    if manifest.join_code(machine, recipient) != code:
        raise UserError(f"The machine with the code {code} no longer asks to be added. {_NOTHING}", ExitCode.REFUSED)
    waiting = {name: recipient for name, recipient in view.waiting.items() if name != machine}
    return _tell(own, replace(view, waiting=waiting), Membership({machine: recipient}))


def remove(own: OwnBranch, name: str) -> tuple[str, list[str]]:
    """Removes a machine, by its name or id, so that it can't read what is sent from now on.

    Returns its name, and the names of the other machines that remain.
    """
    view = own.read()
    others = {machine: own.other(machine, view).name for machine in view.membership.active if machine != view.me}
    found = [machine for machine, called in others.items() if name in (machine, called)]
    if len(found) != 1:
        names = ", ".join(f"{called} ({machine})" for machine, called in sorted(others.items())) or "none"
        what = "no machine" if not found else "more than one machine"
        raise UserError(
            f"The store has {what} {name!r} besides this one. {_NOTHING} Its other machines, with their ids: {names}. "
            "`carryover sync off` takes this machine out.",
            ExitCode.NOTHING_FOUND,
        )
    _tell(own, view, Membership(revoked=frozenset(found)))
    return others.pop(found[0]), sorted(others.values())


def _tell(own: OwnBranch, view: View, change: Membership) -> str:
    view = replace(view, membership=view.membership | change).with_epoch()
    own.write(view)
    own.push()
    own.note(view, view.problems)
    return manifest.store_code(view.store, view.epochs.values())


def compact(own: OwnBranch) -> None:
    """Replaces this machine's branch by one without history, so that the store can drop what was forgotten."""
    view = own.read().with_epoch()
    own.write(view, alone=True)
    own.push()
    own.fetch()  # the copy of the remote's branch still has the history
    own.store.tidy(at_once=True)


def leave(state: StateDir, *, delete: bool) -> None:
    """Ends synchronising on this machine; with `delete`, removes its branch from the store first."""
    folder = SyncFolder(state)
    if not folder.is_set_up:
        raise UserError(OFF, ExitCode.NOTHING_FOUND)
    with folder.locked():
        if delete:
            settings = folder.settings()
            store = GitStore(folder.store, settings.remote)
            if (sent := store.fetch().commits.get(settings.machine)) is not None:
                store.push(settings.machine, None, sent)
        folder.remove()
