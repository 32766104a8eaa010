"""One sync: takes what is new in the other machines' logs, and sends what is new here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from carryover.errors import ExitCode, UserError
from carryover.ledger.machines import begin_log, end_log
from carryover.ledger.store import Ledger
from carryover.projects.root import StatePaths
from carryover.sync.folder import OFF, SyncFolder
from carryover.sync.head import Head
from carryover.sync.incoming import LedgerIncoming
from carryover.sync.outgoing import LedgerOutgoing
from carryover.sync.own_log import OwnLog, View, own_log
from carryover.sync.payload import Taken
from carryover.sync.sealing import Unreadable


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a sync."""

    received: Taken = Taken()
    sent_events: int = 0
    sent_bytes: int = 0
    machines: int = 0
    """Number of other machines that this one reads."""
    waiting: tuple[str, ...] = ()
    """The codes of machines that ask to be added."""
    problems: dict[str, str] = {}
    """Why another machine's newest state was not taken, by the machine's name."""
    error: tuple[str, ExitCode] | None = None
    """Why the sync ended early; nothing is lost then."""


async def synchronise(
    ledger: Ledger,
    paths: StatePaths,
    *,
    now_ms: Callable[[], int],
    in_thread: Callable[..., Awaitable[Any]],
) -> Outcome:
    """Synchronises once; if sync was ended, has the ledger no longer note what changes. `in_thread` runs blocking
    functions. Raises UserError or OSError; what was done until then is kept."""
    if not SyncFolder(paths.state).is_set_up:
        await ledger.write(end_log)
        raise UserError(OFF, ExitCode.NOTHING_FOUND)
    with ExitStack() as stack:
        own = await in_thread(partial(stack.enter_context, own_log(paths.state, now_ms)))
        outgoing = LedgerOutgoing(paths.state, own.settings.projects)
        await ledger.write(begin_log, await in_thread(outgoing.told))
        return await Round(own, outgoing, LedgerIncoming(ledger, paths), in_thread=in_thread).run()


@dataclass(frozen=True)
class Round:
    """One sync. The caller holds the folder's lock. `in_thread` runs blocking functions."""

    own: OwnLog
    outgoing: LedgerOutgoing
    incoming: LedgerIncoming
    _: KW_ONLY
    in_thread: Callable[..., Awaitable[Any]]

    async def run(self) -> Outcome:
        """Synchronises once. Raises UserError (StoreTrouble) or OSError; what was done until then is kept."""
        try:
            outcome = await self._run()
        except (UserError, OSError) as error:
            with suppress(OSError):  # the disk may be full
                self.own.save(problem=str(error))
            raise
        await self.in_thread(partial(self.own.save, synced_ms=self.own.now_ms(), problem=None))
        return outcome

    async def _run(self) -> Outcome:
        view: View = await self.in_thread(self.own.read)
        received = Taken()
        for machine, head in sorted(view.heads.items()):
            taken, problem = await self._take(head)
            received += taken
            if problem is not None:
                view.peers[machine] = replace(view.peers[machine], problem=problem)
        await self.in_thread(partial(self.own.note, view))
        sent_events, sent_bytes = await self.in_thread(partial(self.own.send, self.outgoing))
        called = Counter(peer.name for peer in view.peers.values())  # a name that several have gets the machine's id
        return Outcome(
            received=received,
            sent_events=sent_events,
            sent_bytes=sent_bytes,
            machines=sum(peer.removed is None for peer in view.peers.values()),
            waiting=self.own.state.waiting,
            problems={
                peer.name if called[peer.name] == 1 else f"{peer.name} ({machine})": peer.problem
                for machine, peer in view.peers.items()
                if peer.problem is not None
            },
        )

    async def _take(self, head: Head) -> tuple[Taken, str | None]:
        """Takes what is new of another machine. Returns what that changed, and why not all could be taken."""
        received, problem = Taken(), None
        known = await self.in_thread(partial(self.incoming.taken, head))
        for segment in dict.fromkeys(head.segments):  # a head may list one as often as it likes
            if segment.name in known:
                continue
            if not await self.in_thread(self.incoming.has_room):
                return received, "the disk of this machine is nearly full, so not all of what it wrote was taken"
            try:
                payload = await self.in_thread(partial(self.own.payload, head, segment))
            except Unreadable as error:
                problem = f"a part of what it wrote can't be used: {error}"
                continue
            received += await self.incoming.take(head, payload, segment.name)
        if known - {segment.name for segment in head.segments}:
            await self.incoming.note_segments(head)
        return received, problem
