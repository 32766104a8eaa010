"""The state of synchronising, read from the state folder alone: no git, no network, no decryption."""

from __future__ import annotations

import msgspec

from carryover.errors import UserError
from carryover.paths import StateDir


class MachineStatus(msgspec.Struct, frozen=True):
    """Another machine of the store. `problem`: why nothing newer of it was taken at the last sync."""

    id: str
    name: str
    synced_ms: int | None
    """When it last had something to say, by its own clock (UTC ms)."""
    removed: bool
    problem: str | None


class SyncStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of synchronising on this machine."""

    remote: str = ""
    """The remote's address, without passwords."""
    name: str = ""
    synced_ms: int | None = None
    """When a sync last ended well (UTC ms)."""
    problem: str | None = None
    """Why the last one did not."""
    code: str = ""
    """This machine's code, which is compared on each other one."""
    machines: tuple[MachineStatus, ...] = ()
    waiting: int = 0
    """The number of machines that ask to be added."""


def sync_status(state: StateDir) -> SyncStatus | None:
    """Returns the status; None while sync is off. If the state can't be read, the reason is in `problem`."""
    if not (state.sync / "state.json").exists():
        return None
    from carryover.sync.address import without_credentials
    from carryover.sync.folder import SyncFolder  # nothing of it is loaded while sync is off

    try:
        known = SyncFolder(state).state()
    except UserError as error:
        return SyncStatus(problem=str(error))
    machines = (
        MachineStatus(machine, peer.name, peer.sequence or None, peer.removed is not None, peer.problem)
        for machine, peer in known.peers.items()
    )
    return SyncStatus(
        remote=without_credentials(known.remote),
        name=known.own.name,
        synced_ms=known.synced_ms,
        problem=known.problem,
        code=known.code,
        machines=tuple(sorted(machines, key=lambda machine: machine.name)),
        waiting=known.waiting,
    )
