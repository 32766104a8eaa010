"""This machine's own branch, and what it reads in the others: the part of a sync that does not touch the ledger.

Each step leaves a state that the next sync continues from, whatever ends the process: `state.json` is replaced as a
whole, after the objects it names are stored and before they are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import msgspec

from carryover.errors import ExitCode, UserError
from carryover.sync.folder import OtherMachine, SyncFolder
from carryover.sync.manifest import (
    MOST_AHEAD,
    Branch,
    Manifest,
    Membership,
    Seen,
    Segment,
    files_of,
    join_code,
    opened_manifest,
    opened_segment,
    proof,
)
from carryover.sync.payload import Payload, ProjectState
from carryover.sync.sealing import LARGEST_OBJECT, Unreadable
from carryover.sync.store import File, GitStore, StoreTrouble
from carryover.sync.trust import View, first_view, judged

NOT_ADDED: Final = (
    "This machine waits to be added to the store, so nothing was sent or taken. On a machine that belongs to it, run "
    "`carryover sync add-machine`; then run `carryover sync` here."
)
REMOVED_HERE: Final = (
    "Another machine has removed this one from the store. What was recorded here stays. To join again: "
    "`carryover sync off`, then `carryover sync init REMOTE`."
)
NOT_FETCHED: Final = "its branch can't be fetched, and nothing of it was taken"
OWN_DAMAGED: Final = (
    "What this machine keeps of its own part of the store is damaged. Nothing is lost: remove the folder {} and sync "
    "again, and it is fetched again."
)


class OwnBranch:
    """Reads the store and writes this machine's branch. The caller holds the folder's lock. Every method blocks."""

    def __init__(self, folder: SyncFolder, store: GitStore, *, now_ms: Callable[[], int]) -> None:
        self._folder = folder
        self.store = store
        self._now_ms = now_ms
        self.settings = folder.settings()
        self.state = folder.state()
        self.key = folder.key()
        self._files: dict[str, dict[str, File]] = {}
        self._refused: dict[str, str] = {}
        """Why branches of the remote could not be fetched."""
        self._own: tuple[str, Manifest] | None = None
        """The newest own commit, and its manifest."""
        self._remote: str | None = None
        """This machine's branch in the remote, as far as known."""

    def save(self, **changed: object) -> None:
        """Changes the stored state. Raises OSError; then nothing is changed."""
        state = msgspec.structs.replace(self.state, **changed)
        if state != self.state:
            self._folder.save(state)
            self.state = state

    def fetch(self) -> list[Branch]:
        """Fetches all branches. Raises StoreTrouble."""
        fetched = self.store.fetch()
        self._remote = fetched.commits.get(self.settings.machine)
        self._files = {}
        self._own = None
        self._refused = dict(fetched.refused)
        for machine, commit in fetched.commits.items():
            if machine not in self._refused:
                try:
                    self._files[machine] = self.store.files(commit)
                except StoreTrouble as error:
                    self._refused[machine] = error.reason
        return [self.branch(machine) for machine in self._files]

    def read(self) -> View:
        """Fetches all branches and returns what can be believed. Raises StoreTrouble, and UserError if this machine
        is not a member."""
        if self.state.store is None:
            raise UserError(NOT_ADDED, ExitCode.REFUSED)
        branches = self.fetch()
        if self._remote != self.state.head:
            self._adopt()
        elif self._remote is not None:
            self.save(pushed=True)
        met = frozenset(machine for machine, other in self.state.machines.items() if other.met)
        view = judged(first_view(self.manifest(), self.state), self.key, branches, met)
        refused = {
            name: f"{NOT_FETCHED} ({self._refused[name]})"
            for name in self._refused
            if name in view.membership.active and name != view.me
        }
        view = replace(view, problems={**view.problems, **refused})
        if view.me in view.membership.revoked:
            raise UserError(REMOVED_HERE, ExitCode.REFUSED)
        return view

    def ask(self) -> None:
        """Asks the other machines, by this machine's branch, to add it, unless it does so already."""
        if self._files_of(self.state.head) is None:
            head = self.store.commit(None, None, {"join": self.key.recipient.encode()}, ())
            self.save(head=head, pushed=False)

    def manifest(self) -> Manifest:
        """Returns the manifest of this machine's newest commit, or one without segments if there is none."""
        me = self.settings.machine
        state = self.state
        if self._own is not None and self._own[0] == state.head:
            return self._own[1]
        files = self._files_of(state.head)
        if files is not None and "head" in files and state.head is not None:
            self._files[me] = files
            try:
                self._own = state.head, opened_manifest(self.branch(me), state.epochs)
            except Unreadable as error:
                raise StoreTrouble(OWN_DAMAGED.format(self._folder.store)) from error
            return self._own[1]
        self._files.pop(me, None)
        return Manifest(
            store=state.store or "",
            machine=me,
            name=self.settings.name,
            sequence=state.sequence,
            synced_ms=0,
            membership=Membership({me: self.key.recipient}),
        )

    def branch(self, machine: str) -> Branch:
        """Returns the small files of a branch."""
        files = self._files[machine]
        return Branch(
            machine=machine,
            head=self._content(files, "head"),
            auth=self._content(files, "auth"),
            keys=self._content(files, f"keys/{self.settings.machine}"),
            join=self._content(files, "join"),
        )

    def payloads(self, machine: str, segment: Segment, view: View) -> tuple[Payload, ...]:
        """Returns a segment's payloads. Raises Unreadable."""

        def read(path: str) -> bytes:
            data = self._content(self._files[machine], path)
            if data is None:
                raise Unreadable("it is missing from the store, or larger than it may be")
            return data

        return opened_segment(segment, view.epochs, read)

    def own_payloads(self, segment: Segment, view: View) -> tuple[Payload, ...]:
        """Returns the payloads of an own segment. Raises StoreTrouble."""
        try:
            return self.payloads(view.me, segment, view)
        except Unreadable as error:
            raise StoreTrouble(OWN_DAMAGED.format(self._folder.store)) from error

    def size(self, segment: Segment) -> int:
        """Returns the size of an own segment's files."""
        files = self._files.get(self.settings.machine, {})
        return sum(files[part.path].size for part in segment.parts if part.path in files)

    def note(self, view: View, problems: Mapping[str, str]) -> None:
        """Stores what is now known of the other machines."""
        machines = {}
        for machine in sorted({*view.membership.members, *self.state.machines} - {view.me}):
            other = self.other(machine, view)
            manifest = view.accepted.get(machine)
            machines[machine] = msgspec.structs.replace(
                other,
                seen=view.seen.get(machine, other.seen),
                synced_ms=manifest.synced_ms if manifest is not None else other.synced_ms,
                met=other.met or machine in view.challenges,
                removed=machine in view.membership.revoked,
                problem=problems.get(machine),
            )
        codes = tuple(join_code(machine, recipient) for machine, recipient in sorted(view.waiting.items()))
        self.save(machines=machines, waiting=codes, **_of_store(view))

    def other(self, machine: str, view: View) -> OtherMachine:
        """Returns what is known here of another machine."""
        manifest = view.accepted.get(machine)
        known = self.state.machines.get(machine)
        if known is None:
            known = OtherMachine(name=machine)
        return known if manifest is None else msgspec.structs.replace(known, name=manifest.name)

    def write(
        self,
        view: View,
        segments: Sequence[Segment] | None = None,
        new: Mapping[str, bytes] | None = None,
        *,
        projects: tuple[ProjectState, ...] | None = None,
        alone: bool = False,
        **state: object,
    ) -> bool:
        """Stores the changes as the next commit of this machine's branch, and the state with it. Returns whether there
        were any.

        `segments`: all that the branch has now, with `new`, the files of those that were added. With `alone`, the
        commit has no history before it. `view` must have an epoch (`with_epoch`).
        """
        former = self.manifest()
        manifest = msgspec.structs.replace(
            former,
            store=view.store,
            segments=former.segments if segments is None else tuple(segments),
            membership=view.membership,
            projects=former.projects if projects is None else projects,
        )
        ids = tuple(sorted(view.epochs))
        answered = tuple(sorted(_answered(view)))
        is_same = manifest == former and self.state.head is not None
        is_same = is_same and (ids, answered) == (self.state.keyed, self.state.answered)
        if is_same and not alone and not self._is_to_be_said(view, former):
            self.save(**state)
            return False
        sequence = 1 + max(former.sequence, self.state.sequence, *(seen.sequence for seen in self._seen(view, former)))
        manifest = msgspec.structs.replace(manifest, sequence=sequence, synced_ms=self._now_ms(), seen=view.seen)
        commit = self._commit(manifest, view, new or {}, alone=alone)
        written = {"head": commit, "sequence": sequence, "pushed": False, "keyed": ids, "answered": answered}
        self.save(**written, **_of_store(view), **state)
        return True

    def _is_to_be_said(self, view: View, former: Manifest) -> bool:
        """Whether the store lacks something that only a new manifest brings about: that another machine was further on,
        or that this one was, in the eyes of another.
        """
        if any(former.seen.get(machine) != seen for machine, seen in view.newer_than_in_store.items()):
            return True
        now = Seen(former.sequence, self.branch(view.me).sha)
        return any(seen.sequence >= now.sequence and seen != now for seen in self._seen(view, former))

    def _seen(self, view: View, former: Manifest) -> list[Seen]:
        """Returns what others have seen of this machine, as far as it can be true."""
        most = max(former.sequence, self.state.sequence) + MOST_AHEAD
        return [seen for seen in view.seen_of_me if seen.sequence <= most]

    def push(self) -> None:
        """Pushes this machine's branch if the remote does not have it. Raises StoreTrouble."""
        if self.state.head is not None and self._remote != self.state.head:
            self.store.push(self.settings.machine, self.state.head, self._remote)
            self._remote = self.state.head
        self.save(pushed=True)

    def _commit(self, manifest: Manifest, view: View, new: Mapping[str, bytes], *, alone: bool) -> str:
        former = self._files.get(view.me, {})
        ids = sorted(view.epochs)
        reused = {}
        if tuple(ids) == self.state.keyed:
            reused = {name: self._content(former, f"keys/{name}") for name in manifest.membership.members}
        assert view.current is not None, "`View.with_epoch` makes one"
        written = files_of(
            manifest,
            self.key,
            [view.epochs[name] for name in ids],
            view.current,
            _answered(view),
            former={name: data for name, data in reused.items() if data is not None},
        )
        listed = {part.path for segment in manifest.segments for part in segment.parts}
        removed = [path for path in former if path not in listed and path not in written]
        written |= {path: data for path, data in new.items() if path in listed}
        base = self.state.head if self._files_of(self.state.head) is not None else None
        return self.store.commit(None if alone else base, base, written, removed)

    def _adopt(self) -> None:
        """Continues from this machine's branch in the store if that is newer than what is here, as after a restored
        backup; otherwise what is here is sent again.
        """
        me = self.settings.machine
        here = self._files_of(self.state.head)
        if self._remote is not None and me in self._files:
            branch = self.branch(me)
            with suppress(Unreadable):
                manifest = opened_manifest(branch, self.state.epochs)
                is_mine = proof(branch, me, self.key) and manifest.store == self.state.store
                if is_mine and (here is None or manifest.sequence > self.state.sequence):
                    position = self.state.position if here is not None else ""
                    sequence = max(manifest.sequence, self.state.sequence)
                    self.save(head=self._remote, sequence=sequence, pushed=True, position=position, keyed=())
                    return
        if here is None:  # neither here nor in the store: everything is sent again
            self.save(head=None, position="", keyed=())
        self.save(pushed=False)

    def _files_of(self, commit: str | None) -> dict[str, File] | None:
        with suppress(StoreTrouble):
            return self.store.files(commit) if commit is not None else None
        return None

    def _content(self, files: Mapping[str, File], path: str) -> bytes | None:
        file = files.get(path)
        return None if file is None or file.size > LARGEST_OBJECT else self.store.read(file)


def _answered(view: View) -> dict[str, bytes]:
    return {machine: secret for machine, secret in view.challenges.items() if machine in view.membership.active}


def _of_store(view: View) -> dict[str, Any]:
    return {"epochs": tuple(view.epochs[name] for name in sorted(view.epochs)), "membership": view.membership}
