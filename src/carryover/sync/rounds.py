"""One sync: takes what is new in the other machines' branches, and sends what is new here."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import ExitStack, suppress
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from carryover.errors import ExitCode, UserError
from carryover.ledger.machines import begin_log, end_log
from carryover.ledger.store import Ledger
from carryover.projects.root import StatePaths
from carryover.sync.folder import OFF, SyncFolder
from carryover.sync.head import Head, Segment, View, sealed_segment
from carryover.sync.incoming import LedgerIncoming
from carryover.sync.outgoing import LedgerOutgoing
from carryover.sync.own_log import OwnLog, own_log
from carryover.sync.payload import Payload, Taken
from carryover.sync.sealing import Unreadable

ROUND_BYTES: Final = 16 << 20
"""About how much is sent at once: an interrupted first sync continues after the last part that arrived."""
MERGED_AT: Final = 32
"""As many segments of at most SMALL bytes become one, so that a year of small syncs stays a few hundred."""
SMALL: Final = 64 << 10


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a sync."""

    received: Taken = Taken()
    sent_events: int = 0
    sent_bytes: int = 0
    machines: int = 0
    """Number of other machines in the store."""
    waiting: tuple[str, ...] = ()
    """The codes of machines that want to be added."""
    problems: dict[str, str] = {}
    """Why another machine's newest state was not taken, by the machine's name."""
    new: tuple[str, ...] = ()
    """The names of machines that were not known here before."""
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
        own = self.own
        view: View = await self.in_thread(own.read)
        received = Taken()
        problems = dict(view.problems)
        for machine, head in sorted(view.heads.items()):
            async for taken in self._taken_of(head, problems):
                received += taken
            known = own.state.machines.get(machine)
            if known is None or known.seen != view.seen[machine]:
                await self.incoming.note_segments(head)
        former = set(own.state.machines)
        await self.in_thread(partial(own.note, view, problems))
        names = {machine: other.name for machine, other in own.state.machines.items()}
        called = Counter(names.values())  # a name that several have gets the machine's id
        names = {machine: name if called[name] == 1 else f"{name} ({machine})" for machine, name in names.items()}
        sent_events, sent_bytes = await self.in_thread(partial(self._send, view))
        return Outcome(
            received=received,
            sent_events=sent_events,
            sent_bytes=sent_bytes,
            machines=len(view.membership.active) - 1,
            waiting=own.state.waiting,
            problems={names[machine]: problem for machine, problem in sorted(problems.items())},
            new=tuple(sorted(names[machine] for machine in names.keys() - former)),
        )

    async def _taken_of(self, head: Head, problems: dict[str, str]) -> AsyncIterator[Taken]:
        """Takes what is new in a machine's log; what can't be used is noted, and keeps nothing else back."""
        known = await self.in_thread(partial(self.incoming.taken, head))
        for segment in head.segments:
            if segment.id in known:
                continue
            known.add(segment.id)  # a head may list one as often as it likes
            if not await self.in_thread(self.incoming.has_room):
                nearly_full = "the disk of this machine is nearly full, so not all of what it wrote was taken"
                problems[head.machine] = nearly_full
                return
            try:
                payloads = await self.in_thread(partial(self.own.payloads, head.machine, segment))
            except Unreadable as error:
                problems[head.machine] = f"a part of what it wrote can't be used: {error}"
                continue
            for payload in payloads:
                is_last = payload is payloads[-1]
                yield await self.incoming.take(head, payload, segment.id if is_last else None)

    def _send(self, view: View) -> tuple[int, int]:
        """Sends what is new here, in parts of about ROUND_BYTES. Returns how many events and bytes that were."""
        own = self.own
        forgets = self.outgoing.forgets()
        sent_events = 0
        sent_bytes = 0
        is_last = False
        while not is_last:
            draft = _Draft(replace(own.head, forgets=forgets))
            try:
                if forgets != own.head.forgets:
                    for segment in own.head.segments:
                        self._write_again(draft, [segment])
                is_cleared = draft.head.segments != own.head.segments
                events, is_last = self._add_new(draft)
                self._merge_small(draft)
            except Unreadable:  # the store has lost something of what this machine wrote
                own.start_over()
                continue
            if own.write(view, draft.head, draft.files, without_history=is_cleared):
                sent_events += events
                sent_bytes += draft.size
        return sent_events, sent_bytes

    def _add_new(self, draft: _Draft) -> tuple[int, bool]:
        """Adds what is new in the ledger until the draft is full. Returns the number of events, and whether that was
        all."""
        events = 0
        for payload, position in self.outgoing.pieces(draft.head.position):
            if draft.size >= ROUND_BYTES:
                return events, False
            if not payload.is_empty:
                draft.put([payload])
            draft.head = replace(draft.head, position=position)
            events += len(payload.events)
        return events, True

    def _merge_small(self, draft: _Draft) -> None:
        """Has many small segments of the store become one, so that the head stays short."""
        there = draft.head.segments
        small = [segment for segment in self.own.head.segments if segment.size <= SMALL and segment in there]
        if len(small) >= MERGED_AT:
            self._write_again(draft, small)

    def _write_again(self, draft: _Draft, segments: Sequence[Segment]) -> None:
        """Writes segments of the store as one, without what this machine no longer has, if that changes anything."""
        payloads = [one for segment in segments for one in self.own.payloads(draft.head.machine, segment)]
        kept = [self.outgoing.without_gone(payload) for payload in payloads]
        if len(segments) > 1 or any(now is not before for now, before in zip(kept, payloads, strict=True)):
            draft.put([payload for payload in kept if not payload.is_empty], instead_of=segments)


@dataclass
class _Draft:
    """What this machine will say next, and the files of its new segments."""

    head: Head
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The bytes of the new files."""
        return sum(map(len, self.files.values()))

    def put(self, payloads: Sequence[Payload], *, instead_of: Collection[Segment] = ()) -> None:
        """Adds a segment with the payloads, if there are any, and removes others."""
        number = self.head.numbered
        segments = [segment for segment in self.head.segments if segment not in instead_of]
        if payloads:
            number += 1
            segment, self.files[segment.name] = sealed_segment(number, payloads)
            segments.append(segment)
        self.head = replace(self.head, segments=tuple(segments), numbered=number)
