"""Writes the ledger from a command, where no daemon does."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from carryover.errors import UserError, os_reason
from carryover.fsio import FileLock
from carryover.paths import StateDir

T = TypeVar("T")


def as_writer(state: StateDir, do: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Runs `do` with the daemon's lock. Raises UserError where another process has it."""
    lock = FileLock(state.lock)
    try:
        taken = lock.acquire()
    except OSError as error:
        raise UserError(f"The lock {state.lock} cannot be taken: {os_reason(error)}. Nothing was changed.") from error
    if not taken:
        raise UserError("Another process is using the ledger; nothing was changed. Try again in a moment.")
    import asyncio  # takes longer to import than all the rest

    try:
        return asyncio.run(do())
    finally:
        lock.release()
