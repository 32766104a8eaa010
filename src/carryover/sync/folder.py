"""This machine's settings, keys and state for synchronising: `~/.carryover/sync`, which only its owner can enter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from carryover.decoders import decoder_of
from carryover.errors import ExitCode, UserError, os_reason
from carryover.fsio import FileLock, atomic_replace, private_dir, read_bytes_bounded
from carryover.paths import StateDir
from carryover.sync.head import Head, Peer
from carryover.sync.payload import MachineId
from carryover.sync.sealing import MachineKey, Unreadable

_MOST_BYTES: Final = 64 << 20
_STATE: Final = "state.json"

OFF: Final = (
    "This machine does not synchronise. `carryover sync init REMOTE` sets it up, with a git remote of yours that is "
    "not the remote of a project, or an empty folder."
)


class SyncState(msgspec.Struct, frozen=True, kw_only=True):
    """Where the store is, and how far synchronising has got. It is replaced as a whole."""

    remote: str
    """The address of the store. It may hold a password."""
    code: str
    """The code of this machine, which is compared on each other one."""
    own: Head
    """What this machine has last said."""
    sha: bytes = b""
    """The SHA-256 of the file of that; empty if it is still to be said."""
    position: int = 0
    """How much of the ledger is in the segments."""
    forgets: str = ""
    """What the ledger had forgotten when the log began, and which ledger that was."""
    peers: dict[MachineId, Peer] = {}
    """The other machines. Here, so that a store that is rolled back can't undo a removal."""
    waiting: int = 0
    """The number of machines that ask to be added."""
    synced_ms: int | None = None
    """When a sync last ended well."""
    problem: str | None = None
    """Why the last one did not."""


class SyncFolder:
    """The folder and its files. Reading creates nothing."""

    def __init__(self, state: StateDir) -> None:
        self.path = state.sync
        self.store = self.path / "store"
        self.key_file = self.path / "key"

    @property
    def is_set_up(self) -> bool:
        """Whether `sync init` was run."""
        return (self.path / _STATE).exists()

    def state(self) -> SyncState:
        """Returns the state. Raises UserError: NOTHING_FOUND if sync is off, REFUSED if it is damaged."""
        if not self.is_set_up:
            raise UserError(OFF, ExitCode.NOTHING_FOUND)
        with self._usable(self.path / _STATE):
            return decoder_of(SyncState).decode(read_bytes_bounded(self.path / _STATE, _MOST_BYTES))

    def key(self) -> MachineKey:
        """Returns this machine's key. Raises UserError (REFUSED) if it is missing or damaged."""
        with self._usable(self.key_file):
            return MachineKey(self.key_file)

    def save(self, state: SyncState) -> None:
        """Writes the state. The first turns sync on. Raises OSError, and then keeps the former state."""
        atomic_replace(self.path / _STATE, msgspec.json.encode(state), mode=0o600)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the lock, so that one process at a time synchronises. Raises UserError if another process holds it."""
        private_dir(self.path)
        lock = FileLock(self.path / "lock")
        if not lock.acquire():
            raise UserError("Another process is synchronising. Nothing was changed. Try again in a moment.")
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _usable(self, file: Path) -> Iterator[None]:
        """Raises UserError (REFUSED) in place of an error that says that the file can't be used."""
        try:
            yield
        except (OSError, ValueError) as error:
            ours = str(error) if isinstance(error, Unreadable) else "it is damaged"
            why = os_reason(error) if isinstance(error, OSError) else ours
            raise UserError(
                f"{file} can't be used ({why}), so nothing was synchronised. The ledger is not affected. Restore it "
                "from a copy, or join again: `carryover sync off`, then `carryover sync init REMOTE`.",
                ExitCode.REFUSED,
            ) from error
