"""This machine's own log in the store, and what it reads in the others: the part of a sync that knows no ledger.

Each step leaves a state that the next sync continues from, whatever ends the process: what was written to the store
before the state was saved is found there again, signed by this machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Final

import msgspec

from carryover.errors import ExitCode, UserError
from carryover.paths import StateDir
from carryover.sync.folder import OtherMachine, SyncFolder
from carryover.sync.git_store import store_at
from carryover.sync.head import (
    MOST_AHEAD,
    Branch,
    Head,
    Seen,
    Segment,
    View,
    believed,
    code_of,
    opened_head,
    opened_segment,
    sealed_head,
)
from carryover.sync.payload import Payload
from carryover.sync.sealing import Unreadable, age
from carryover.sync.store import Fetched, Store

NOT_ADDED: Final = (
    "This machine waits to be added to the store, so nothing was sent or taken. On a machine that belongs to it, run "
    "`carryover sync add-machine`; then run `carryover sync` here."
)
LEFT_OUT: Final = (
    "Another machine has removed this one from the store. What was recorded here stays. To join again: "
    "`carryover sync off`, then `carryover sync init REMOTE`."
)
NOT_FETCHED: Final = "its part of the store can't be fetched, and nothing of it was taken"
MOST_READ: Final = 128 << 20
"""Bytes of heads that are held at once."""
LARGEST_KEY: Final = 1 << 10
HISTORY: Final = 1_000
"""After as many heads, the history of the log in the store begins again."""


@contextmanager
def own_log(state: StateDir, now_ms: Callable[[], int]) -> Iterator[OwnLog]:
    """Yields this machine's log, locked. Raises UserError if sync is off or another process is synchronising."""
    folder = SyncFolder(state)
    settings = folder.settings()
    age()
    with folder.locked():
        yield OwnLog(folder, store_at(folder.store, settings.remote), now_ms)


class OwnLog:
    """Reads the store and writes this machine's log. The caller holds the folder's lock. Every method blocks."""

    def __init__(
        self, folder: SyncFolder, store: Store, now_ms: Callable[[], int], *, most_read: int = MOST_READ
    ) -> None:
        """Raises UserError (REFUSED) if the folder's files are damaged."""
        self._folder = folder
        self.store = store
        self.settings = folder.settings()
        self.state = folder.state()
        self.key = folder.key()
        self.now_ms = now_ms
        self._most_read = most_read
        self._fetched = Fetched({})
        self._is_lost = not self.state.sha
        """Whether the store lacks what this machine has last said."""

    @property
    def head(self) -> Head:
        """What this machine has last said. Raises UserError (REFUSED) if it does not belong to the store yet."""
        if self.state.own is None:
            raise UserError(NOT_ADDED, ExitCode.REFUSED)
        return self.state.own

    @property
    def code(self) -> str:
        """The code to compare when this machine is added, or adds another one."""
        return code_of(self.settings.machine, self.key.public)

    def save(self, **changed: object) -> None:
        """Changes the stored state. Raises OSError; then nothing is changed."""
        state = msgspec.structs.replace(self.state, **changed)
        if state != self.state:
            self._folder.save(state)
            self.state = state

    def fetch(self) -> list[Branch]:
        """Gets all logs, of known machines and with small heads first: whoever can write to the store could add more
        than memory holds. Raises StoreTrouble."""
        self._fetched = self.store.fetch()
        known = {self.settings.machine, *self.state.membership.members}
        # Without a key, an earlier version has written it.
        logs = {machine: files for machine, files in self._fetched.files.items() if "key" in files}
        branches = []
        left = self._most_read
        for machine in sorted(logs, key=lambda name: (name not in known, logs[name].get("head", 0))):
            is_key = logs[machine]["key"] <= LARGEST_KEY
            key = self.store.read(machine, "key") if is_key else None
            head = self.store.read(machine, "head") if logs[machine].get("head", 0) <= left else None
            left -= len(head or b"")
            branches.append(Branch(machine, key, head))
        return branches

    def read(self) -> View:
        """Gets all logs and returns what can be believed. Raises StoreTrouble, and UserError if this machine is not a
        member."""
        former = self.head
        branches = self.fetch()
        self._find_own(next((one for one in branches if one.machine == former.machine), Branch(former.machine)))
        view = believed(self.view(), branches, self.key)
        refused = {
            machine: f"{NOT_FETCHED} ({reason})"
            for machine, reason in self._fetched.refused.items()
            if machine in view.membership.active and machine != view.me
        }
        if view.me in view.membership.removed:
            raise UserError(LEFT_OUT, ExitCode.REFUSED)
        return replace(view, problems={**view.problems, **refused})

    def view(self) -> View:
        """Returns what is known without the store."""
        seen = {machine: other.seen for machine, other in self.state.machines.items() if other.seen.sequence}
        membership = self.state.membership | self.head.membership
        return View(me=self.head.machine, store=self.head.store, membership=membership, seen=seen)

    def _find_own(self, branch: Branch) -> None:
        """Continues from what the store has of this machine if that is newer, as after a crash or a restored backup."""
        own = self.head
        with suppress(Unreadable):
            stored = opened_head(branch, self.key.public, self.key)
            if stored.store == own.store and stored.sequence > own.sequence:
                self.save(own=stored, sha=branch.sha)
        self._is_lost = branch.sha != self.state.sha
        sizes = self._fetched.files.get(branch.machine, {})
        if any(sizes.get(segment.name) != segment.size for segment in self.head.segments):
            self.start_over()

    def start_over(self) -> None:
        """Has everything be sent again, since the store has lost something of it."""
        self.save(own=msgspec.structs.replace(self.head, segments=(), position="", forgets=""))
        self._is_lost = True

    def ask(self) -> None:
        """Asks the other machines to add this one, by its public key in the store."""
        me, key = self.settings.machine, self.key.public.encode()
        if self.store.read(me, "key") != key:
            self.store.write(me, {"key": key}, {"key"})

    def payloads(self, machine: str, segment: Segment) -> tuple[Payload, ...]:
        """Returns a segment's payloads. Raises Unreadable."""
        return opened_segment(segment, self.store.read(machine, segment.name))

    def note(self, view: View, problems: Mapping[str, str]) -> None:
        """Stores what is now known of the other machines."""
        machines = {}
        for machine in sorted({*view.membership.members, *self.state.machines} - {view.me}):
            head = view.heads.get(machine)
            other = self.state.machines.get(machine, OtherMachine(name=machine))
            machines[machine] = OtherMachine(
                name=head.name if head is not None else other.name,
                seen=view.seen.get(machine, other.seen),
                synced_ms=head.synced_ms if head is not None else other.synced_ms,
                problem=problems.get(machine),
            )
        codes = tuple(code_of(machine, public) for machine, public in sorted(view.waiting.items()))
        self.save(machines=machines, waiting=codes, membership=view.membership)

    def write(
        self, view: View, head: Head, new: Mapping[str, bytes] | None = None, *, without_history: bool = False
    ) -> bool:
        """Says `head` in the store, with `new` files of segments, unless nothing is new in it. Returns whether it did.

        With `without_history`, nothing of what was there before stays in the store's history.
        """
        head = msgspec.structs.replace(head, membership=view.membership)
        own = self.head
        is_same = head == msgspec.structs.replace(own, position=head.position, forgets=head.forgets)
        if is_same and not self._is_to_be_said(view):
            self.save(own=head)
            return False
        most = own.sequence + MOST_AHEAD
        sequence = 1 + max(own.sequence, *(seen.sequence for seen in view.seen_of_me if seen.sequence <= most), 0)
        head = msgspec.structs.replace(head, sequence=sequence, synced_ms=self.now_ms(), seen=dict(view.seen))
        data = sealed_head(head, self.key)
        files = {**(new or {}), "head": data, "key": self.key.public.encode()}
        names = {"head", "key", *(segment.name for segment in head.segments)}
        is_long = sequence % HISTORY == 0
        self.store.write(head.machine, files, names, without_history=without_history or is_long)
        self._is_lost = False
        self.save(own=head, sha=hashlib.sha256(data).digest(), membership=view.membership)
        return True

    def _is_to_be_said(self, view: View) -> bool:
        """Whether the store lacks something that only a new head brings about: this machine's last one, or that it or
        another was further on in the eyes of one that tells."""
        seen = self.head.seen
        if self._is_lost or any(seen.get(machine) != one for machine, one in view.newer_than_in_store.items()):
            return True
        now = Seen(self.head.sequence, self.state.sha)
        most = now.sequence + MOST_AHEAD
        return any(now.sequence <= one.sequence <= most and one != now for one in view.seen_of_me)
