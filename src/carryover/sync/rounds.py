"""One sync: takes what is new in the other machines' logs, and sends what is new here."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, Final

import msgspec

from carryover.errors import ExitCode, UserError
from carryover.ledger.machines import begin_log, end_log
from carryover.ledger.store import Ledger
from carryover.paths import StateDir
from carryover.projects.root import StatePaths
from carryover.sync.folder import OFF, SyncFolder
from carryover.sync.head import Head, Peer
from carryover.sync.incoming import LedgerIncoming
from carryover.sync.outgoing import LedgerOutgoing
from carryover.sync.own_log import OwnLog, own_log
from carryover.sync.sealing import Unreadable

TAKE_MS: Final = 1_800_000
"""How long a sync takes of what one machine wrote. One that lists work without end, or with which this one is never
done, would keep all else of the others from coming, and the user from removing it."""
_MORE_LATER: Final = "it wrote more than is taken at once; the next sync takes more of it"
_NO_ROOM: Final = "the disk of this machine is nearly full, so not all of what it wrote was taken"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a sync."""

    received_events: int = 0
    sent_events: int = 0
    sent_bytes: int = 0
    machines: int = 0
    """Number of other machines that this one reads."""
    waiting: int = 0
    """Number of machines that ask to be added."""
    problems: dict[str, str] = {}
    """Why another machine's newest state was not taken, by the machine's name; with its id if two have that name."""


_InThread = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs a function that blocks."""
_WithLedger = Callable[[Callable[[Ledger, StatePaths], Awaitable[Any]]], Awaitable[Any]]
"""Runs a function that writes to the ledger, which is locked only for as long: the store may take an hour to answer."""
_WithIncoming = Callable[[Callable[[LedgerIncoming], Awaitable[int]]], Awaitable[int]]
"""The same, for one that stores what others sent."""


async def synchronise(
    state: StateDir, with_ledger: _WithLedger, *, now_ms: Callable[[], int], in_thread: _InThread
) -> Outcome:
    """Synchronises once. If sync was ended, the ledger stops noting changes. If this is cancelled, a command that uses
    the store fails. Raises UserError or OSError; what was done until then is kept."""
    if not SyncFolder(state).is_set_up:
        await with_ledger(lambda ledger, _paths: ledger.write(end_log))
        raise UserError(OFF, ExitCode.NOTHING_FOUND)
    with ExitStack() as stack:
        own = await _finished(in_thread(partial(stack.enter_context, own_log(state, now_ms))))
        outgoing = LedgerOutgoing(state)
        sent = await _finished(in_thread(outgoing.sent_projects))
        await with_ledger(lambda ledger, _paths: ledger.write(begin_log, sent))

        def finished(work: Awaitable[Any]) -> Awaitable[Any]:
            return _finished(work, own.store.end)

        return await exchange(
            own,
            outgoing,
            lambda take: finished(with_ledger(lambda ledger, paths: take(LedgerIncoming(ledger, paths)))),
            lambda work: finished(in_thread(work)),
        )


async def _finished(work: Awaitable[Any], end: Callable[[], None] = lambda: None) -> Any:
    """Returns the result of a thread. If cancelled, makes its work fail with `end` and waits for it."""
    running = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        end()
        with suppress(Exception):
            await running
        raise


async def exchange(
    own: OwnLog, outgoing: LedgerOutgoing, with_incoming: _WithIncoming, in_thread: _InThread
) -> Outcome:
    """Takes what is new in the store, then sends what is new here. The caller holds the folder's lock. Raises UserError
    or OSError; what was done until then is kept."""
    try:
        heads = await in_thread(own.read)
        received = await with_incoming(partial(_take, own, heads, in_thread)) if heads else 0
        sent_events, sent_bytes = await in_thread(partial(own.send, outgoing))
        await in_thread(partial(own.save, synced_ms=own.now_ms(), problem=None))
    except (UserError, OSError) as error:
        with suppress(OSError):  # the disk may be full
            own.save(problem=str(error))
        raise
    return Outcome(
        received_events=received,
        sent_events=sent_events,
        sent_bytes=sent_bytes,
        machines=sum(peer.removed is None for peer in own.state.peers.values()),
        waiting=own.state.waiting,
        problems=_problems(own.state.peers),
    )


def _problems(peers: Mapping[str, Peer]) -> dict[str, str]:
    called = Counter(peer.name for peer in peers.values())
    return {
        peer.name if called[peer.name] == 1 else f"{peer.name} ({machine})": peer.problem
        for machine, peer in peers.items()
        if peer.problem is not None
    }


async def _take(own: OwnLog, heads: Mapping[str, Head], in_thread: _InThread, incoming: LedgerIncoming) -> int:
    """Takes new events from the other machines. Returns their number."""
    received = 0
    for machine, head in sorted(heads.items()):
        known, until_ms = await incoming.taken(head), own.now_ms() + TAKE_MS
        for segment in dict.fromkeys(one for one in head.segments if one.name not in known):  # one may be listed twice
            is_late = own.now_ms() > until_ms
            if is_late or not await in_thread(incoming.has_room):
                await in_thread(partial(own.note, machine, problem=_MORE_LATER if is_late else _NO_ROOM))
                break
            try:
                payload = await in_thread(partial(own.payload, head, segment))
            except Unreadable as error:
                problem = f"a part of what it wrote can't be used: {error}"
                await in_thread(partial(own.note, machine, problem=problem))
            else:
                received += await incoming.take(head, payload, segment.name)
    return received
