"""Synchronises the ledger: puts this machine's branch and the ledger's side together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any

from carryover.ledger.store import Ledger
from carryover.paths import StateDir
from carryover.projects.root import StatePaths
from carryover.sync import ledger_side
from carryover.sync.membership import own_branch
from carryover.sync.rounds import Outcome, Round


async def synchronise(
    state: StateDir,
    ledger: Ledger,
    paths: StatePaths,
    *,
    now_ms: Callable[[], int],
    in_thread: Callable[..., Awaitable[Any]],
) -> Outcome:
    """Synchronises once. `in_thread` runs what blocks, one after the other in the same thread.

    Raises UserError or OSError; what was done until then stays done.
    """
    with ExitStack() as stack:
        own = await in_thread(lambda: stack.enter_context(own_branch(state, now_ms)))
        await ledger_side.begin(ledger)
        outgoing = await in_thread(lambda: ledger_side.outgoing(state, own.settings.projects))
        incoming = ledger_side.incoming(ledger, paths)
        return await Round(own, outgoing, incoming, now_ms=now_ms, in_thread=in_thread).run()
