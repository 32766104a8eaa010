"""The lock of the daemon's state folder, of which one daemon, or a command in its place, is the holder."""

from __future__ import annotations

import errno
import os
import time
from typing import Final

import msgspec

from carryover.daemon.client import DaemonHolder, daemon_holder
from carryover.errors import ExitCode, UserError, os_reason
from carryover.fsio import FileLock
from carryover.paths import StateDir
from carryover.records.fields import iso_utc

WAIT_S: Final = 600.0
"""Longer than any command holds the lock; a command reads one project's transcripts at most."""
LEFT_BEHIND_S: Final = 2.0
"""Longer than the lock outlives a daemon that was killed. After that, its process runs unseen, as in a container."""
_PAUSE_S: Final = 0.1


class StateUnusable(UserError):
    """The state folder is unusable for a reason that may pass: a full or read-only disk, missing permissions."""


def acquire_daemon_lock(state: StateDir, *, started_ms: int, wait_s: float = WAIT_S) -> FileLock:
    """Acquires the lock of `state`, which is held until it is released or the process ends.

    Waits for a command that holds it, since that ends soon, and for the lock of a daemon that was killed: a program
    that it was just starting still holds its files. Raises StateUnusable if the file cannot be written, and UserError:
    REFUSED if another daemon holds the lock, FAILED if something else holds it longer than `wait_s`.
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
            raise UserError(
                f"A Carryover daemon is already running: process {holder.pid} since {iso_utc(holder.started_ms)}, "
                f"answering on {holder.socket}. Nothing was changed. `carryover stop` ends it.",
                ExitCode.REFUSED,
            )
        if waited_s >= wait_s:
            raise UserError(f"Another process is using the state folder {state.root}. Try again when it is done.")
        time.sleep(_PAUSE_S)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        return error.errno == errno.EPERM
    return True
