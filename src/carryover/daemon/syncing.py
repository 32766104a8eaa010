"""Synchronises with the user's other machines: regularly if `[sync] every` says so, and for `carryover sync`.

While sync is off, nothing of it is imported. It has a thread of its own with a low priority, which git inherits.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from carryover.daemon.context import DaemonContext
from carryover.daemon.supervisor import wait_at_most
from carryover.errors import UserError, os_reason
from carryover.ledger.connect import LedgerDamaged
from carryover.probe.git_command import end_in_store

if TYPE_CHECKING:
    from carryover.sync.rounds import Outcome

NICE: Final = 10
T = TypeVar("T")


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a command: a sentence for the user, or why nothing was done."""

    text: str = ""
    error: str | None = None


class Syncing:
    """Synchronises, one request at a time. Close `pool` at the end."""

    def __init__(self, context: DaemonContext, *, publish: Callable[[], Awaitable[None]]) -> None:
        """`publish` queues the projects that have changed in the ledger."""
        self._context = context
        self._publish = publish
        self._one_at_a_time = asyncio.Lock()
        self._settings_changed = asyncio.Event()
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="sync", initializer=_lower_priority)

    def settings_changed(self) -> None:
        """Takes note that `[sync] every` may have changed."""
        self._settings_changed.set()

    async def run(self) -> None:
        """Synchronises now and as often as the settings say, until cancelled."""
        while True:
            self._settings_changed.clear()
            every_s = _seconds(self._context.config.sync.every)
            if every_s is not None and not self._context.config.paused and self._is_on():
                outcome = await self.once()
                if outcome.error is not None:
                    self._context.log.warning("sync_failed", waiting=True)
            await wait_at_most(self._settings_changed, every_s)

    async def once(self) -> Outcome:
        """Synchronises once; errors are in the result."""
        from carryover.sync.rounds import Outcome, synchronise

        context = self._context
        if context.config.paused:
            return Outcome(error="Carryover is paused, so nothing was synchronised. `carryover unpause` ends that.")
        async with self._one_at_a_time:
            try:
                done = await synchronise(
                    context.state, context.ledger, context.paths, now_ms=context.now_ms, in_thread=self._in_thread
                )
            except LedgerDamaged:  # the daemon has to end, and repairs the ledger at its next start
                raise
            except UserError as error:
                return Outcome(error=str(error))
            except OSError as error:
                return Outcome(error=f"The state folder can't be written: {os_reason(error)}. Nothing is lost.")
        if done.received.events or done.received.forgotten or done.sent_events:
            counts = {"received": done.received.events, "sent": done.sent_events, "bytes": done.sent_bytes}
            context.log.info("synchronised", machines=done.machines, **counts, skipped=done.received.skipped)
        if done.received.events or done.received.forgotten:
            await self._publish()
        return done

    async def allow(self, folder: str) -> Said:
        """Joins other machines' projects with the same one at `folder`."""
        from carryover.sync import clones

        async with self._one_at_a_time:
            try:
                text = await clones.allow(self._context.ledger, self._context.paths, folder)
            except UserError as error:
                return Said(error=str(error))
        await self._publish()
        return Said(text=text)

    async def end(self, *, forget: bool) -> Said:
        """Has the ledger no longer note what changes; with `forget`, removes what came from other machines."""
        from carryover.sync import clones

        async with self._one_at_a_time:
            try:
                await clones.end(self._context.ledger, forget=forget)
            except UserError as error:
                return Said(error=str(error))
        await self._publish()
        return Said()

    def _is_on(self) -> bool:
        return (self._context.state.sync / "settings.json").exists()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Runs `work` in the thread of its own. If the daemon stops meanwhile, git is ended and `work` fails."""
        future = asyncio.get_running_loop().run_in_executor(self.pool, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            end_in_store()
            with suppress(Exception):
                await future
            raise


def _seconds(every: str | None) -> float | None:
    if every is None or every == "0":
        return None
    return float(every[:-1]) * (60.0 if every.endswith("m") else 3600.0)


def _lower_priority() -> None:
    if sys.platform == "linux":  # elsewhere it would be the whole process
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
