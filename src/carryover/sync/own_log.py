"""This machine's own log in the store, and what it reads in the others: the part of a sync that knows no ledger.

What is not certainly in the store is sent again: after a crash, a restored copy or a loss there, the log goes on from
what the state says, or begins afresh, with all that is in the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from msgspec.structs import replace

from carryover.errors import ExitCode, UserError
from carryover.paths import StateDir
from carryover.sync.folder import SyncFolder
from carryover.sync.git_store import store_at
from carryover.sync.head import (
    MOST_SEGMENTS,
    Head,
    Peer,
    Segment,
    accepted_head,
    code_of,
    opened_segment,
    sealed_head,
    sealed_segment,
    sha_of,
)
from carryover.sync.outgoing import LedgerOutgoing
from carryover.sync.payload import Payload
from carryover.sync.sealing import Unreadable, is_machine_key
from carryover.sync.store import Fetched, Store

SMALL: Final = 16 << 10
MOST_SMALL: Final = 1_000
"""With more segments of fewer than SMALL bytes, a log begins afresh, so that a year of small syncs stays short; with
half as many of any size as a head may list, too."""
_MOST_ASKING: Final = 100
_LONGEST_KEY: Final = 1_000
_MOST_READERS: Final = 100
"""What is encrypted has room for the keys of about 140: age adds some bytes at random."""


@contextmanager
def own_log(state_dir: StateDir, now_ms: Callable[[], int]) -> Iterator[OwnLog]:
    """Yields this machine's log, locked. Raises UserError if sync is off or another process is synchronising."""
    folder = SyncFolder(state_dir)
    state = folder.state()
    with folder.locked():
        yield OwnLog(folder, store_at(folder.store, state.remote, state.own.machine), now_ms)


class OwnLog:
    """Reads the store and writes this machine's log. The caller holds the folder's lock. Every method blocks."""

    def __init__(self, folder: SyncFolder, store: Store, now_ms: Callable[[], int]) -> None:
        """Raises UserError (REFUSED) if the folder's files are damaged."""
        self._folder = folder
        self.store = store
        self.state = folder.state()
        self.key = folder.key()
        self.now_ms = now_ms
        self.asking: dict[str, str] = {}
        """Machines whose codes the user has not compared, with their public keys."""
        self._fetched = Fetched((), {})

    def save(self, **changed: object) -> None:
        """Changes the stored state. Raises OSError; then nothing is changed."""
        state = replace(self.state, **changed)
        if state != self.state:
            self._folder.save(state)
            self.state = state

    def read(self) -> dict[str, Head]:
        """Gets all logs, stores what is now known of the other machines, and returns the heads of those that can be
        believed. Raises UserError."""
        self._fetched = self.store.fetch()
        peers, heads = self._believed(self.state.peers)
        active = (head.removed for machine, head in heads.items() if peers[machine].removed is None)
        claimed = {machine: sha for removed in active for machine, sha in removed.items()}
        removed = {
            machine: replace(peer, removed=claimed[machine])
            for machine, peer in self.state.peers.items()
            if machine in claimed and peer.removed is None
        }
        if removed:  # of these, what they have written since does not count
            peers, heads = self._believed({**self.state.peers, **removed})
        known = {self.state.own.machine, *peers, *claimed}
        asking = sorted(machine for machine in self._fetched.machines if machine not in known)
        read = ((machine, self.store.read(machine, "key") or b"") for machine in asking[:_MOST_ASKING])
        keys = ((machine, data[:_LONGEST_KEY].decode("utf-8", "replace")) for machine, data in read)
        self.asking = {machine: key for machine, key in keys if is_machine_key(key)}
        self.save(peers=peers, waiting=len(self.asking))
        return heads

    def _believed(self, peers: dict[str, Peer]) -> tuple[dict[str, Peer], dict[str, Head]]:
        """Returns what is now known of other machines, and the heads that can be believed."""
        known, heads = dict(peers), {}
        for machine, peer in peers.items():
            data = self.store.read(machine, "head") if machine in self._fetched.machines else None
            if data is None and peer.removed is not None:
                continue
            try:
                head = accepted_head(machine, data, peer, self.key)
            except Unreadable as error:
                known[machine] = replace(peer, problem=str(error))
                continue
            heads[machine] = head
            known[machine] = replace(peer, name=head.name, sequence=head.sequence, sha=sha_of(data), problem=None)
        return known, heads

    def payload(self, head: Head, segment: Segment) -> Payload:
        """Returns the payload of another machine's segment. Raises Unreadable."""
        return opened_segment(segment, self.store.read(head.machine, segment.name), self.key)

    def note(self, machine: str, **changed: object) -> None:
        """Updates what is stored of another machine."""
        peers = self.state.peers
        self.save(peers={**peers, machine: replace(peers[machine], **changed)})

    def add(self, code: str) -> None:
        """Has the machine with this code, as it shows it, read this log, and this machine read that one's. Raises
        UserError: NOTHING_FOUND if there is none, REFUSED if this machine has added too many."""
        self.read()
        codes = {code_of(machine, key).replace(" ", ""): machine for machine, key in self.asking.items()}
        machine = codes.get("".join(code.split()))
        if machine is None:
            raise UserError(
                f"{len(codes) or 'No'} other {'machine asks' if len(codes) < 2 else 'machines ask'} to be added"
                f"{', none with this code' if codes else ''}. Nothing was changed. Give the code that the other "
                "machine shows, after `carryover sync init REMOTE` or in `carryover sync status` there.",
                ExitCode.NOTHING_FOUND,
            )
        if len(self._readers()) >= _MOST_READERS:
            raise UserError(
                f"This machine writes for {_MOST_READERS - 1} others, and can't for more. Nothing was changed. Remove "
                "one that is gone: `carryover sync remove-machine NAME`.",
                ExitCode.REFUSED,
            )
        added = Peer(key=self.asking[machine], name=machine)
        self.save(peers={**self.state.peers, machine: added}, waiting=len(codes) - 1, **self._afresh())
        self.publish()

    def remove(self, name: str) -> None:
        """Removes a machine, by its name or id: what is written from now on is not encrypted to it. Raises
        UserError (NOTHING_FOUND) unless there is one of that name."""
        self.read()
        others = {machine: peer for machine, peer in self.state.peers.items() if peer.removed is None}
        # An id first: a machine may call itself as another one's id reads.
        found = [name] if name in others else [machine for machine, peer in others.items() if peer.name == name]
        if len(found) != 1:
            names = ", ".join(f"{peer.name} ({machine})" for machine, peer in sorted(others.items())) or "none"
            raise UserError(
                f"There is not one machine {name!r} that this one reads. Nothing was changed. It reads, by name and "
                f"id: {names}. `carryover sync off` takes this machine out.",
                ExitCode.NOTHING_FOUND,
            )
        self.note(found[0], removed=others[found[0]].sha)
        self.publish()

    def _afresh(self) -> dict[str, object]:
        """Returns the state with which all is sent again, to those who read this log now."""
        return {"own": replace(self.state.own, segments=()), "position": 0, "sha": b""}

    def _readers(self) -> list[str]:
        """Returns the public keys of the machines that this log is for."""
        active = sorted(peer.key for peer in self.state.peers.values() if peer.removed is None)
        return [self.key.public, *active]

    def send(self, outgoing: LedgerOutgoing) -> tuple[int, int]:
        """Sends what is new here. Returns how many events and bytes that were."""
        forgets = outgoing.forgets()
        segments = self.state.own.segments
        is_whole = all(self._fetched.own.get(segment.name) == segment.size for segment in segments)
        is_long = len(segments) > MOST_SEGMENTS // 2 or sum(segment.size < SMALL for segment in segments) > MOST_SMALL
        if forgets != self.state.forgets or is_long or not is_whole:
            self.save(**self._afresh())
        position = self.state.position
        new: list[Segment] = []
        events = 0
        for payload, after in outgoing.pieces(position):
            position = after
            if payload.events or payload.replaced:
                segment, data = sealed_segment(payload, self._readers())
                self.store.put(segment.name, data)
                new.append(segment)
                events += len(payload.events)
        self.publish(new, position=position, forgets=forgets)
        return events, sum(segment.size for segment in new)

    def publish(self, new: list[Segment] | None = None, **noted: object) -> None:
        """Says in the store what this machine now has to say, if that is not what it last said."""
        own = self.state.own
        removed = {machine: peer.removed for machine, peer in self.state.peers.items() if peer.removed is not None}
        head = replace(own, segments=(*own.segments, *(new or ())), removed=removed)
        there = self.store.read(own.machine, "head")
        is_said = "key" in self._fetched.own and sha_of(there) == self.state.sha
        if head == own and is_said:
            self.save(**noted)
            return
        head = replace(head, sequence=max(own.sequence + 1, self._sequence_in(there) + 1, self.now_ms()))
        data = sealed_head(head, self._readers(), self.key)
        self.store.put("key", self.key.public.encode())
        self.store.put("head", data)
        self.store.publish({"key", "head", *(segment.name for segment in head.segments)})
        self.save(own=head, sha=sha_of(data), **noted)

    def _sequence_in(self, head: bytes | None) -> int:
        """Returns the sequence of an own head: after a crash or from a copy, the state does not know the last one."""
        me = Peer(key=self.key.public, name=self.state.own.name)
        with suppress(Unreadable):
            return accepted_head(self.state.own.machine, head, me, self.key).sequence
        return 0
