"""One sync: takes what is new in the other machines' branches, and sends what is new here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from carryover.errors import UserError
from carryover.sync.branch import Changes, OwnBranch, codes
from carryover.sync.manifest import Segment
from carryover.sync.payload import Incoming, Machine, Outgoing, ProjectState, Taken
from carryover.sync.sealing import Unreadable
from carryover.sync.segments import merged, to_merge
from carryover.sync.trust import View

ROUND_BYTES: Final = 16 << 20
"""About how much is sent at once: an interrupted first sync continues after the last part that arrived."""
SAVE_EVERY: Final = 16

T = TypeVar("T")


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a sync did."""

    received: Taken = Taken()
    sent_events: int = 0
    sent_bytes: int = 0
    machines: int = 0
    """Number of other machines in the store."""
    waiting: tuple[str, ...] = ()
    """The codes of machines that want to be added."""
    problems: dict[str, str] = {}
    """Why another machine's newest state was not taken, by the machine's name."""
    error: str | None = None
    """Why the sync ended early; nothing is lost then."""


class Round:
    """Does one sync. The caller holds the folder's lock."""

    def __init__(
        self,
        own: OwnBranch,
        outgoing: Outgoing,
        incoming: Incoming,
        *,
        now_ms: Callable[[], int],
        in_thread: Callable[..., Awaitable[Any]] = asyncio.to_thread,
    ) -> None:
        self._own = own
        self._outgoing = outgoing
        self._incoming = incoming
        self._now_ms = now_ms
        self._in_thread = in_thread

    async def run(self) -> Outcome:
        """Synchronises once. Raises UserError (StoreTrouble) or OSError; what was done until then stays done."""
        try:
            outcome = await self._run()
        except (UserError, OSError) as error:
            with suppress(OSError):  # the disk may be full
                self._own.save(problem=str(error))
            raise
        self._own.save(synced_ms=self._now_ms(), problem=None)
        return outcome

    async def _run(self) -> Outcome:
        own = self._own
        view = await self._do(self._read)
        received, problems = Taken(), dict(view.problems)
        for machine in sorted(view.accepted):
            before = received
            try:
                received += await self._take(machine, view)
            except Unreadable as error:
                problems[machine] = f"a part of what it wrote can't be used: {error}"
            manifest, other = view.accepted[machine], own.other(machine, view)
            # What is taken first may bring the projects that a known manifest has states of.
            if manifest.sequence != other.seen.sequence or received != before:
                await self._incoming.note_state(Machine(machine, other.name), manifest.projects, manifest.synced_ms)
        await self._do(lambda: own.note(view, problems))
        sent_events, sent_bytes = await self._do(lambda: self._send(view))
        await self._do(own.tidy)
        return Outcome(
            received=received,
            sent_events=sent_events,
            sent_bytes=sent_bytes,
            machines=len(view.active) - 1,
            waiting=codes(view),
            problems={own.other(machine, view).name: problem for machine, problem in sorted(problems.items())},
        )

    async def _do(self, work: Callable[[], T]) -> T:
        done: T = await self._in_thread(work)
        return done

    def _read(self) -> View:
        own = self._own
        view = own.read()
        if (ledger := self._incoming.ledger_id()) != own.state.ledger:
            again = {
                name: msgspec.structs.replace(other, taken=frozenset()) for name, other in own.state.machines.items()
            }
            own.save(ledger=ledger, machines=again)
        return view

    async def _take(self, machine: str, view: View) -> Taken:
        own, manifest = self._own, view.accepted[machine]
        other = own.other(machine, view)
        about = Machine(machine, other.name)
        taken, received = set(other.taken), Taken()

        def save() -> None:
            kept = taken & {segment.id for segment in manifest.segments}
            own.save(machines={**own.state.machines, machine: msgspec.structs.replace(other, taken=frozenset(kept))})

        try:
            new = [segment for segment in manifest.segments if segment.id not in taken]
            for number, segment in enumerate(new, start=1):
                payload = await self._do(partial(own.payload, machine, segment, view))
                received += await self._incoming.take(about, payload)
                taken.add(segment.id)
                if number % SAVE_EVERY == 0:
                    await self._do(save)
        finally:
            save()
        return received

    def _send(self, view: View) -> tuple[int, int]:
        """Sends what is new here. Returns how many events and bytes that were."""
        own, view = self._own, view.with_epoch()
        assert view.current is not None, "`with_epoch` makes one"
        own.push()
        forgets, changes = self._outgoing.forgets(), Changes(view.current)
        if forgets != own.state.forgets:
            self._leave_out_forgotten(view, changes)
        projects = self._projects()
        sent_events = sent_bytes = 0
        while True:
            position, events, is_last = self._collect(changes)
            self._merge(view, changes)
            if own.write(view, changes, projects=projects, position=position, forgets=forgets):
                own.push()
                sent_events, sent_bytes = sent_events + events, sent_bytes + changes.bytes
            if is_last:
                return sent_events, sent_bytes
            changes = Changes(view.current)

    def _leave_out_forgotten(self, view: View, changes: Changes) -> None:
        for segment in self._own.manifest().segments:
            payload = self._own.own_payload(segment, view)
            kept = self._outgoing.without_forgotten(payload)
            if kept is not payload:
                changes.replace([segment], [] if kept.is_empty else [kept])

    def _collect(self, changes: Changes) -> tuple[str, int, bool]:
        """Adds new pieces to `changes`. Returns the position after them, their number of events, and whether they are
        all.
        """
        position, events = self._own.state.position, 0
        for piece in self._outgoing.pieces(position):
            if changes.bytes >= ROUND_BYTES:
                return position, events, False
            if not piece.payload.is_empty:
                changes.add(piece.payload)
            position, events = piece.position, events + len(piece.payload.events)
        return position, events, True

    def _merge(self, view: View, changes: Changes) -> None:
        sizes = self._own.sizes() | {path: len(data) for path, data in changes.written.items()}

        def size_of(segment: Segment) -> int:
            return sum(sizes.get(part.path, 0) for part in segment.parts)

        for alike in to_merge(changes.applied(self._own.manifest().segments), size_of):
            joined = merged([self._own.own_payload(segment, view, changes.written) for segment in alike])
            if len(joined) < len(alike):
                changes.replace(alike, joined)

    def _projects(self) -> tuple[ProjectState, ...]:
        """Returns the projects' states; the former ones if only times differ, which are nothing to be sent for."""
        now, former = self._outgoing.project_states(), self._own.manifest().projects
        return former if _without_times(now) == _without_times(former) else now


def _without_times(states: tuple[ProjectState, ...]) -> list[ProjectState]:
    return [msgspec.structs.replace(state, at_ms=0) for state in states]
