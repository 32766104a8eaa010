"""Which branches of the store are believed, and what follows from them. Pure.

Membership only grows: machines that were added, machines that were removed, and to whom each epoch was given. So
machines that have not met for a while agree as soon as they do, in whatever order they learn it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from carryover.sync.folder import OtherMachine, State
from carryover.sync.manifest import (
    Branch,
    Manifest,
    Seen,
    answers,
    is_authentic,
    opened_keys,
    opened_manifest,
)
from carryover.sync.sealing import Epoch, MachineKey, Unreadable, is_recipient, new_epoch

ROLLED_BACK: Final = "the store has an older state of it than was there before; nothing was removed here"
CHANGED: Final = "the store has another state of it under the same number; nothing of it was taken"
FORGED: Final = "its branch was not written by it; nothing of it was taken"
REMOVED: Final = "it was removed from the store and has written since; nothing of that was taken"
WAITS: Final = (
    "it has not synchronised since one of the two was added, or it has removed this machine; nothing of it was taken"
)
OTHER_STORE: Final = "its branch belongs to another store"


@dataclass(frozen=True, kw_only=True)
class View:
    """What this machine knows of the store, once it has read all branches."""

    me: str
    store: str
    members: dict[str, str]
    revoked: frozenset[str]
    given: dict[str, frozenset[str]]
    epochs: dict[str, Epoch]
    accepted: dict[str, Manifest] = field(default_factory=dict)
    shas: dict[str, bytes] = field(default_factory=dict)
    challenges: dict[str, bytes] = field(default_factory=dict)
    """What other machines ask this one to prove itself with."""
    problems: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    """Machines that want to be added, with their public keys."""
    noted: dict[str, Seen] = field(default_factory=dict)
    """The newest manifests that were accepted earlier."""

    @property
    def active(self) -> dict[str, str]:
        """The machines that were added and not removed, with their public keys."""
        return {machine: recipient for machine, recipient in self.members.items() if machine not in self.revoked}

    @property
    def current(self) -> Epoch | None:
        """The epoch that new objects are sealed in; None if each was given to a machine that is removed by now."""
        good = [name for name in self.epochs if not self.given.get(name, frozenset()) & self.revoked]
        return self.epochs[max(good)] if good else None

    @property
    def answered(self) -> dict[str, bytes]:
        """The challenges that this machine answers: those of active machines."""
        return {machine: secret for machine, secret in self.challenges.items() if machine in self.active}

    def seen(self) -> dict[str, Seen]:
        """Returns what this machine vouches for."""
        now = {machine: Seen(one.sequence, self.shas[machine]) for machine, one in self.accepted.items()}
        return {**self.noted, **now}

    @property
    def newer_than_in_store(self) -> dict[str, Seen]:
        """Manifests that were accepted earlier and are not in the store any more: their machines should know."""
        return {
            machine: seen
            for machine, seen in self.noted.items()
            if self.problems.get(machine) in (ROLLED_BACK, CHANGED)
        }

    @property
    def seen_of_me(self) -> Seen:
        """The newest manifest of this machine that another one vouches for."""
        return max((one.seen.get(self.me, Seen()) for one in self.accepted.values()), default=Seen(), key=_sequence)

    def with_epoch(self) -> View:
        """Returns the view with an epoch that no removed machine knows, and given to all that are active."""
        epochs = dict(self.epochs)
        if self.current is None:
            made = new_epoch(1 + max((epoch.number for epoch in epochs.values()), default=0))
            epochs[made.id] = made
        given = {name: self.given.get(name, frozenset()) | self.active.keys() for name in epochs}
        return replace(self, epochs=epochs, given={**self.given, **given})


def _sequence(seen: Seen) -> int:
    return seen.sequence


def first_view(own: Manifest, state: State) -> View:
    """Returns what this machine knows by itself, from its manifest and its state."""
    given = {name: frozenset(machines) for name, machines in own.given.items()}
    for name, machines in state.given.items():
        given[name] = given.get(name, frozenset()) | frozenset(machines)
    return View(
        me=own.machine,
        store=own.store,
        members={**own.members, **state.members},
        revoked=frozenset((*own.revoked, *state.revoked)),
        given=given,
        epochs={epoch.id: epoch for epoch in state.epochs},
        noted={machine: other.seen for machine, other in state.machines.items() if other.seen.sequence},
    )


def judged(start: View, key: MachineKey, branches: Iterable[Branch], known: Mapping[str, OtherMachine]) -> View:
    """Returns the view after all that can be believed of `branches`, and for each other why it can't.

    `known` is what was accepted earlier.
    """
    others = [branch for branch in branches if branch.machine != start.me]
    while True:
        judge = _Judge(start, key, known)
        judge.read(others)
        if judge.revoked == start.revoked:
            return judge.view(others)
        # What a machine wrote after it was removed may have been read first.
        start = replace(start, revoked=frozenset(judge.revoked))


class _Judge:
    """Reads branches until none of those left can be believed. Each one may vouch for, or open, another."""

    def __init__(self, start: View, key: MachineKey, known: Mapping[str, OtherMachine]) -> None:
        self._start = start
        self._key = key
        self._known = known
        self.members = dict(start.members)
        self.revoked = set(start.revoked)
        self._given = dict(start.given)
        self._epochs = dict(start.epochs)
        self._accepted: dict[str, Manifest] = {}
        self._shas: dict[str, bytes] = {}
        self._problems: dict[str, str] = {}

    def read(self, branches: Iterable[Branch]) -> None:
        left = sorted(branches, key=lambda branch: branch.machine)
        while True:
            unread = [branch for branch in left if not self._is_read(branch)]
            if len(unread) == len(left):
                return
            left = unread

    def view(self, branches: Iterable[Branch]) -> View:
        present = {branch.machine for branch in branches}
        gone = [machine for machine, other in self._known.items() if other.seen.sequence and machine not in present]
        for machine, manifest in list(self._accepted.items()):
            if any(other.seen.get(machine, Seen()).sequence > manifest.sequence for other in self._accepted.values()):
                self._problems[machine] = ROLLED_BACK
                del self._accepted[machine]
        return replace(
            self._start,
            members=self.members,
            revoked=frozenset(self.revoked),
            given=self._given,
            epochs=self._epochs,
            accepted=self._accepted,
            shas=self._shas,
            challenges=dict(self._challenges(branches)),
            problems={**dict.fromkeys(gone, ROLLED_BACK), **self._problems},
            waiting=dict(self._waiting(branches)),
        )

    def _is_read(self, branch: Branch) -> bool:
        if branch.machine not in self.members:
            return False
        try:
            manifest = self._accept(branch)
        except Unreadable as error:
            self._problems[branch.machine] = str(error)
            return False
        self._problems.pop(branch.machine, None)
        self._accepted[branch.machine] = manifest
        self._shas[branch.machine] = branch.sha
        if branch.machine not in self.revoked:
            self._learn(manifest)
        return True

    def _accept(self, branch: Branch) -> Manifest:
        machine = branch.machine
        seen = self._known[machine].seen if machine in self._known else Seen()
        is_known = branch.sha == seen.sha or self._is_vouched(branch)
        if machine in self.revoked:
            if not is_known:
                raise Unreadable(REMOVED)
        elif is_authentic(branch, self._start.me, self._key):
            self._learn_epochs(branch)
        elif not is_known:
            raise Unreadable(FORGED if answers(branch, self._start.me) else WAITS)
        manifest = opened_manifest(branch, self._epochs.values())
        if manifest.store != self._start.store:
            raise Unreadable(OTHER_STORE)
        if manifest.sequence < seen.sequence:
            raise Unreadable(ROLLED_BACK)
        if manifest.sequence == seen.sequence and branch.sha != seen.sha:
            raise Unreadable(CHANGED)
        return manifest

    def _is_vouched(self, branch: Branch) -> bool:
        return any(
            manifest.seen.get(branch.machine, Seen()).sha == branch.sha
            for machine, manifest in self._accepted.items()
            if machine not in self.revoked
        )

    def _learn_epochs(self, branch: Branch) -> None:
        with suppress(Unreadable):  # it does not know of this machine yet
            for epoch in opened_keys(branch, self._key).epochs:
                self._epochs.setdefault(epoch.id, epoch)

    def _learn(self, manifest: Manifest) -> None:
        for machine, recipient in manifest.members.items():
            if is_recipient(recipient):
                self.members.setdefault(machine, recipient)
        self.revoked |= set(manifest.revoked)
        for name, machines in manifest.given.items():
            self._given[name] = self._given.get(name, frozenset()) | frozenset(machines)

    def _challenges(self, branches: Iterable[Branch]) -> Iterable[tuple[str, bytes]]:
        for branch in branches:
            if branch.machine in self.members and branch.machine not in self.revoked:
                with suppress(Unreadable):
                    yield branch.machine, opened_keys(branch, self._key).challenge

    def _waiting(self, branches: Iterable[Branch]) -> Iterable[tuple[str, str]]:
        for branch in branches:
            if branch.join is None or branch.machine in self.members or branch.machine in self.revoked:
                continue
            recipient = branch.join.decode("utf-8", "replace")
            if is_recipient(recipient):
                yield branch.machine, recipient
