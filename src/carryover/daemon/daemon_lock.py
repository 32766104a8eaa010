"""The daemon's lock on the state folder: one daemon per folder, and no command writes the ledger beside it."""

from __future__ import annotations

import os
import time
from typing import Final

import msgspec

from carryover.errors import ExitCode, UserError, os_reason
from carryover.fsio import FileLock
from carryover.paths import StateDir
from carryover.records.fields import iso_utc

WAIT_S: Final = 600.0
"""Longer than any command holds the lock; a command reads one project's transcripts at most."""
LEFT_BEHIND_S: Final = 2.0
"""Longer than the lock outlives a daemon that was killed. After that, its process runs where nobody here can see it,
such as in another container."""
_PAUSE_S: Final = 0.1


class StateUnusable(UserError):
    """The state folder is unusable for a reason that may pass: a full or read-only disk, missing permissions."""


class DaemonHolder(msgspec.Struct, frozen=True):
    """Content of the daemon's lock file, so that a second daemon can name the first."""

    pid: int
    socket: str
    started_ms: int


def acquire_daemon_lock(state: StateDir, *, started_ms: int, wait_s: float = WAIT_S) -> FileLock:
    """Acquires the lock of `state`, which is held until it is released or the process ends.

    Waits for a command that holds it, since that ends soon, and for the lock of a daemon that was killed: a program
    that it was just starting still holds its files.

    Raises:
        StateUnusable: the lock file cannot be written.
        UserError: REFUSED if another daemon holds the lock, FAILED if something else holds it longer than `wait_s`.
    """
    lock = FileLock(state.lock)
    mine = msgspec.json.encode(DaemonHolder(os.getpid(), str(state.socket), started_ms)).decode()
    began = time.monotonic()
    while True:
        try:
            if lock.acquire(mine):
                return lock
            holder = daemon_holder(lock)
        except OSError as error:
            raise StateUnusable(
                f"The lock {state.lock} cannot be taken: {os_reason(error)}. Nothing was changed. "
                "Check the rights of the file and the space on its disk."
            ) from error
        waited_s = time.monotonic() - began
        if holder is not None and (waited_s >= LEFT_BEHIND_S or _is_running(holder.pid)):
            raise UserError(_already_running(holder), ExitCode.REFUSED)
        if waited_s >= wait_s:
            raise UserError(f"Another process is using the state folder {state.root}. Try again when it is done.")
        time.sleep(_PAUSE_S)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def daemon_holder(lock: FileLock) -> DaemonHolder | None:
    """Returns the daemon that holds `lock`; None if it is free or held by a command. Raises OSError."""
    try:
        return msgspec.json.decode(lock.holder() or "", type=DaemonHolder)
    except msgspec.MsgspecError:
        return None


def _already_running(holder: DaemonHolder) -> str:
    return (
        f"A Carryover daemon is already running: process {holder.pid} since {iso_utc(holder.started_ms)}, answering on "
        f"{holder.socket}. Nothing was changed. Stop it with `kill {holder.pid}` if you want to start another."
    )
