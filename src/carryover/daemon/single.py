"""Only one daemon per state folder."""

from __future__ import annotations

import contextlib
import os
import time

import msgspec

from carryover.errors import ExitCode, UserError
from carryover.fsio import FileLock
from carryover.paths import StateDir


class Holder(msgspec.Struct, frozen=True):
    """What a daemon writes into its lock, so that a second one can say where the first is."""

    pid: int
    socket: str
    started_ms: int


def become_the_only_one(state: StateDir, *, started_ms: int) -> FileLock:
    """Take the lock of `state`, held until it is released or the process ends.

    Raises UserError (REFUSED) when another process holds it.
    """
    lock = FileLock(state.lock)
    mine = Holder(os.getpid(), str(state.socket), started_ms)
    if not lock.acquire(msgspec.json.encode(mine).decode()):
        raise UserError(_refusal(state, lock.holder()), ExitCode.REFUSED)
    return lock


def _refusal(state: StateDir, content: str | None) -> str:
    holder = None
    with contextlib.suppress(msgspec.MsgspecError):
        holder = msgspec.json.decode(content or "", type=Holder)
    if holder is None:
        return f"Another process is using the state folder {state.root}. Try again when it is done."
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(holder.started_ms / 1000))
    return (
        f"A Carryover daemon is already running: process {holder.pid} since {since}, answering on {holder.socket}. "
        f"Nothing was changed. Stop it with `kill {holder.pid}` if you want to start another."
    )
