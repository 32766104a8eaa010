"""Decides which branches of the store are believed, and what follows from them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from carryover.sync.folder import State
from carryover.sync.manifest import (
    MOST_AHEAD,
    Branch,
    Manifest,
    Membership,
    Seen,
    opened_keys,
    opened_manifest,
    proof,
)
from carryover.sync.sealing import LAST_EPOCH, Epoch, MachineKey, Unreadable, is_recipient, new_epoch

ROLLED_BACK: Final = "the store has an older state of it than was there before; nothing was removed here"
CHANGED: Final = "the store has another state of it under the same number; nothing of it was taken"
FORGED: Final = "its branch was not written by it; nothing of it was taken"
REMOVED: Final = "it was removed from the store and has written since; nothing of that was taken"
REMOVED_HERE: Final = "it has removed this machine, or its branch was not written by it; nothing of it was taken"
OTHER_STORE: Final = "its branch belongs to another store"
MOST_GIVEN: Final = 100
"""Epochs that are accepted from others, besides those in use. There is one for each machine that was removed."""


@dataclass(frozen=True, kw_only=True)
class View:
    """What this machine knows of the store after it has read all branches."""

    me: str
    store: str
    membership: Membership
    epochs: dict[str, Epoch]
    accepted: dict[str, Manifest] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)
    """The newest manifests that were accepted, now or earlier: what this machine vouches for."""
    challenges: dict[str, bytes] = field(default_factory=dict)
    """What other machines ask this one to prove itself with."""
    problems: dict[str, str] = field(default_factory=dict)
    """Why nothing is believed of what a machine wrote."""
    unmet: frozenset[str] = frozenset()
    """Machines that have not exchanged anything with this one yet."""
    waiting: dict[str, str] = field(default_factory=dict)
    """Machines that want to be added, with their public keys."""

    @property
    def current(self) -> Epoch | None:
        """The epoch that new objects are sealed in; None if every epoch is known to a machine that has been removed."""
        good = [name for name in self.epochs if not self.membership.has(name) & self.membership.revoked]
        return self.epochs[max(good)] if good else None

    @property
    def newer_than_in_store(self) -> dict[str, Seen]:
        """Manifests that were accepted earlier and are no longer in the store. Their machines should be told, since
        their branches went back."""
        lost = (machine for machine, problem in self.problems.items() if problem in (ROLLED_BACK, CHANGED))
        return {machine: self.seen[machine] for machine in lost if machine in self.seen}

    @property
    def seen_of_me(self) -> list[Seen]:
        """The manifests of this machine that others vouch for."""
        return [one.seen[self.me] for one in self.accepted.values() if self.me in one.seen]

    def with_epoch(self) -> View:
        """Returns the view with an epoch that no removed machine knows, and that all active machines get."""
        epochs = dict(self.epochs)
        if self.current is None:
            newest = max((epoch.number for epoch in epochs.values()), default=0)
            made = new_epoch(min(1 + newest, LAST_EPOCH))
            epochs[made.id] = made
        given = Membership(given=dict.fromkeys(epochs, frozenset(self.membership.active)))
        return replace(self, epochs=epochs, membership=given | self.membership)


def first_view(own: Manifest, state: State) -> View:
    """Returns what this machine knows from its own manifest and state."""
    return View(
        me=own.machine,
        store=own.store,
        membership=own.membership | state.membership,
        epochs={epoch.id: epoch for epoch in state.epochs},
        seen={machine: other.seen for machine, other in state.machines.items() if other.seen.sequence},
    )


def judged(start: View, key: MachineKey, branches: Iterable[Branch], met: frozenset[str]) -> View:
    """Returns the view after all of `branches` that can be believed, and for each other branch why it can't. `met`
    are the machines that have exchanged something with this one before."""
    others = sorted((branch for branch in branches if branch.machine != start.me), key=lambda branch: branch.machine)
    while True:
        judge = _Judge(start, key, met)
        judge.read(others)
        known = start.membership | Membership(revoked=judge.membership.revoked)
        if known.revoked == start.membership.revoked:
            return judge.view(others)
        # What a machine wrote after it was removed may have been read first.
        start = replace(start, membership=known)


class _Judge:
    """Reads branches until none of those left can be believed. Each one may vouch for, or open, another."""

    def __init__(self, start: View, key: MachineKey, met: frozenset[str]) -> None:
        self._start = start
        self._key = key
        self._met = met
        self.membership = start.membership
        self._epochs = dict(start.epochs)
        self._accepted: dict[str, Manifest] = {}
        self._seen: dict[str, Seen] = {}
        self._problems: dict[str, str] = {}
        self._unmet: set[str] = set()

    def read(self, branches: Iterable[Branch]) -> None:
        left = list(branches)
        while unread := [branch for branch in left if not self._is_read(branch)]:
            if len(unread) == len(left):
                return
            left = unread

    def view(self, branches: Sequence[Branch]) -> View:
        present = {branch.machine for branch in branches}
        gone = self._start.seen.keys() - present - self.membership.revoked
        for machine, manifest in list(self._accepted.items()):
            seen = (other.seen.get(machine, Seen()).sequence for other in self._accepted.values())
            if any(0 < sequence - manifest.sequence <= MOST_AHEAD for sequence in seen):
                self._problems[machine] = ROLLED_BACK
                del self._accepted[machine]
        challenges: dict[str, bytes] = {}
        for branch in branches:
            if branch.machine in self.membership.active:
                with suppress(Unreadable):
                    challenges[branch.machine] = opened_keys(branch, self._key).challenge
        known = self.membership.members.keys() | self.membership.revoked
        joins = {branch.machine: branch.join for branch in branches if branch.machine not in known}
        asking = {machine: join.decode("utf-8", "replace") for machine, join in joins.items() if join is not None}
        return replace(
            self._start,
            membership=self.membership,
            epochs=self._epochs,
            accepted=self._accepted,
            seen={**self._start.seen, **{machine: self._seen[machine] for machine in self._accepted}},
            challenges=challenges,
            problems={**dict.fromkeys(sorted(gone), ROLLED_BACK), **self._problems},
            unmet=frozenset(self._unmet),
            waiting={machine: recipient for machine, recipient in asking.items() if is_recipient(recipient)},
        )

    def _is_read(self, branch: Branch) -> bool:
        machine = branch.machine
        if machine not in self.membership.members:
            return False
        self._problems.pop(machine, None)
        self._unmet.discard(machine)
        try:
            manifest = self._accept(branch)
        except Unreadable as error:
            self._problems[machine] = str(error)
            return False
        if manifest is None:
            self._unmet.add(machine)
            return False
        self._accepted[machine] = manifest
        self._seen[machine] = Seen(manifest.sequence, branch.sha)
        if machine not in self.membership.revoked:
            self.membership |= manifest.membership
        return True

    def _accept(self, branch: Branch) -> Manifest | None:
        """Returns a manifest that is believed; None if its machine and this one have not met. Raises Unreadable."""
        machine = branch.machine
        seen = self._start.seen.get(machine, Seen())
        vouchers = (one for name, one in self._accepted.items() if name not in self.membership.revoked)
        is_right = proof(branch, self._start.me, self._key)
        # Another machine's word does not stand for that of one which can give its own.
        may_be_vouched_for = is_right or (is_right is None and machine not in self._met)
        is_vouched = may_be_vouched_for and branch.sha in {one.seen.get(machine, Seen()).sha for one in vouchers}
        is_known = branch.sha == seen.sha or is_vouched
        if machine in self.membership.revoked:
            if not is_known:
                raise Unreadable(REMOVED)
        elif is_right:
            with suppress(Unreadable):  # it does not know of this machine yet
                for epoch in opened_keys(branch, self._key).epochs:
                    if epoch.id in self._epochs or len(self._epochs) < MOST_GIVEN or _opens(epoch, branch):
                        self._epochs.setdefault(epoch.id, epoch)
                        # Whatever it says, it has what it gives.
                        self.membership |= Membership(given={epoch.id: frozenset((machine,))})
        elif not is_known:
            if is_right is None and (branch.keys is not None or machine not in self._met):
                return None
            raise Unreadable(FORGED if is_right is False else REMOVED_HERE)
        manifest = opened_manifest(branch, self._epochs.values())
        if manifest.store != self._start.store:
            raise Unreadable(OTHER_STORE)
        if manifest.sequence < seen.sequence:
            raise Unreadable(ROLLED_BACK)
        if manifest.sequence == seen.sequence and branch.sha != seen.sha:
            raise Unreadable(CHANGED)
        return manifest


def _opens(epoch: Epoch, branch: Branch) -> bool:
    with suppress(Unreadable):
        opened_manifest(branch, [epoch])
        return True
    return False
