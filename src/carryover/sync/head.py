"""What a machine says about its part of the store, and when another machine believes it.

Each machine has a log of its own: `key`, its public key; numbered segments, which never change; and `head`, which
lists the segments that count, with the key of each. The head is signed by its machine and encrypted to the machines
of the store, so one that was removed can neither read what is written from then on, nor speak for another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import islice
from typing import Annotated, Final, Literal, TypeVar

import msgspec

from carryover.sync import payload, sealing
from carryover.sync.payload import BoundedText, MachineId, MachineName, Payload, Time
from carryover.sync.sealing import MachineKey, Unreadable

_MOST_BYTES: Final = 32 << 20
MOST_SEGMENTS: Final = 20_000
MOST_MACHINES: Final = 100
MOST_AHEAD: Final = 1 << 20
"""How far another machine can have seen a sequence ahead of what is known: one that rises forever would run out."""

ROLLED_BACK: Final = (
    "the store has an older state of it than was there before, or another one; nothing was removed here"
)
FORGED: Final = "its part of the store was not written by it; nothing of it was taken"
REMOVED: Final = "it was removed from the store and has written since; nothing of that was taken"
REMOVED_HERE: Final = "it has removed this machine, which can't read what it writes; nothing of it was taken"
OTHER_STORE: Final = "its part belongs to another store"
UNMET: Final = (
    "it has written nothing for this machine yet: run `carryover sync` there, and `carryover sync add-machine` if that "
    "says that a machine asks to be added"
)

Sha = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Form = TypeVar("_Form")


class Segment(msgspec.Struct, frozen=True, array_like=True):
    """Payloads in a file of their own. `secret`, an age identity, opens it; `sha` is the SHA-256 of its bytes."""

    number: Annotated[int, msgspec.Meta(ge=1, le=99_999_999)]
    size: Time
    sha: Sha
    secret: Annotated[str, msgspec.Meta(max_length=100)]

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.number:08d}"

    @property
    def id(self) -> str:
        """Identifies it in other machines' notes of what they have taken."""
        return self.sha.hex()[:32]


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """A head that was accepted: its sequence number, and the SHA-256 of its file."""

    sequence: Time = 0
    sha: bytes = b""


class Membership(msgspec.Struct, frozen=True):
    """Who belongs to the store. It only grows, so all machines come to agree, whoever learned of a change first. It
    never grows beyond what a head may hold, whatever another machine claims."""

    members: Annotated[dict[MachineId, BoundedText], msgspec.Meta(max_length=MOST_MACHINES)] = {}
    """The machines that were ever added, with their public keys."""
    removed: Annotated[dict[MachineId, Seen], msgspec.Meta(max_length=MOST_MACHINES)] = {}
    """Those that were removed, with the last that counts of them."""

    @property
    def active(self) -> dict[str, str]:
        """The machines that were added and not removed, with their public keys."""
        return {machine: key for machine, key in self.members.items() if machine not in self.removed}

    def __or__(self, other: Membership) -> Membership:
        added = {machine: key for machine, key in other.members.items() if machine not in self.members}
        usable = {machine: key for machine, key in added.items() if sealing.is_machine_key(key)}
        members = dict(islice({**self.members, **usable}.items(), MOST_MACHINES))
        # Members come first, so no invented names keep one from being removed.
        removed = sorted({**other.removed, **self.removed}.items(), key=lambda one: (one[0] not in members, one[0]))
        return Membership(members, dict(removed[:MOST_MACHINES]))


class Head(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a machine says about its log. A segment that it does not list does not count."""

    version: Literal[2] = 2
    store: MachineId
    machine: MachineId
    name: MachineName
    """What its owner calls the machine; two may have the same name."""
    sequence: Time = 0
    """Rises with each head."""
    synced_ms: Time = 0
    segments: Annotated[tuple[Segment, ...], msgspec.Meta(max_length=MOST_SEGMENTS)] = ()
    membership: Membership = Membership()
    seen: Annotated[dict[MachineId, Seen], msgspec.Meta(max_length=MOST_MACHINES)] = {}
    """The newest heads of the others that were accepted."""
    numbered: Time = 0
    """The highest number that it has given a segment."""
    position: str = ""
    """How much of its ledger is in the segments."""
    forgets: str = ""
    """What was forgotten when they were last cleared of it."""


class _Signed(msgspec.Struct, frozen=True, array_like=True):
    signature: Annotated[bytes, msgspec.Meta(max_length=4 << 10)]
    sealed: bytes


class Branch(msgspec.Struct, frozen=True):
    """The small files of a machine's log as they are in the store. A missing one is None."""

    machine: MachineId
    key: bytes | None = None
    """The public key, for those that it has not been added to. Anyone could have written it: its code is compared."""
    head: bytes | None = None

    @property
    def sha(self) -> bytes:
        """The SHA-256 of the head's file."""
        return hashlib.sha256(self.head or b"").digest()

    @property
    def public(self) -> str | None:
        """The public key; None if there is none that can be encrypted to."""
        text = (self.key or b"").decode("utf-8", "replace")
        return text if sealing.is_machine_key(text) else None


def code_of(machine: str, public: str) -> str:
    """Returns the 20 digits by which two people can check that they mean the same machine with the same key. With
    fewer, someone could try keys until one matches."""
    about = "\n".join(("carryover machine", machine, public)).encode()
    digits = f"{int.from_bytes(hashlib.sha256(about).digest()) % 10**20:020d}"
    return " ".join(digits[at : at + 4] for at in range(0, 20, 4))


def sealed_head(head: Head, key: MachineKey) -> bytes:
    """Returns the file of a head, for all machines that belong to the store."""
    packed = sealing.deflated(msgspec.msgpack.encode(head))
    sealed = sealing.seal_for(sorted(head.membership.active.values()), packed)
    return msgspec.msgpack.encode(_Signed(key.signature(_signed(head.machine, sealed)), sealed))


def opened_head(branch: Branch, public: str | None, key: MachineKey, *, unmet: str = "") -> Head:
    """Returns the head of a branch. Raises Unreadable: if the owner of the key `public` has not written it (None: known
    before), or with the reason `unmet` if it is not encrypted to this machine."""
    signed = _decoded(branch.head or b"", _Signed)
    message = _signed(branch.machine, signed.sealed)
    if public is not None and not sealing.is_signed_by(public, signed.signature, message):
        raise Unreadable(FORGED)
    try:
        packed = key.open(signed.sealed)
    except Unreadable as error:
        raise Unreadable(unmet or str(error)) from error
    head = _decoded(sealing.inflated(packed, _MOST_BYTES), Head)
    if head.machine != branch.machine:
        raise Unreadable(FORGED)
    return head


def sealed_segment(number: int, payloads: Iterable[Payload]) -> tuple[Segment, bytes]:
    """Returns payloads as a segment, and the bytes of its file."""
    secret, public = sealing.new_identity()
    content = sealing.deflated(payload.encode_payloads(payloads))
    data = sealing.seal_for([public], content)
    return Segment(number, len(data), hashlib.sha256(data).digest(), secret), data


def opened_segment(segment: Segment, data: bytes | None) -> tuple[Payload, ...]:
    """Returns a segment's payloads. Raises Unreadable if anything about its file is wrong."""
    if data is None:
        raise Unreadable("it is missing from the store, or larger than it may be")
    if hashlib.sha256(data).digest() != segment.sha:
        raise Unreadable("bytes of it were changed")
    content = sealing.inflated(sealing.unsealed(data, [segment.secret.encode()]), payload.LARGEST_PAYLOADS)
    try:
        return payload.decode_payloads(content)
    except (ValueError, RecursionError) as error:
        raise Unreadable("it is damaged, or of a newer version of Carryover") from error


def _signed(machine: str, sealed: bytes) -> bytes:
    return machine.encode() + b"\n" + sealed


def _decoded(data: bytes, form: type[_Form]) -> _Form:
    try:
        return msgspec.msgpack.decode(data, type=form)
    except (ValueError, RecursionError) as error:
        raise Unreadable("it is damaged, or of another version of Carryover") from error


@dataclass(frozen=True, kw_only=True)
class View:
    """What this machine knows of the store after it has read all branches."""

    me: str
    store: str
    membership: Membership
    seen: Mapping[str, Seen]
    """The newest heads that were accepted, now or earlier."""
    heads: Mapping[str, Head] = field(default_factory=dict)
    """What the other machines say, as far as it is believed."""
    problems: Mapping[str, str] = field(default_factory=dict)
    """Why nothing is believed of what a machine wrote."""
    waiting: Mapping[str, str] = field(default_factory=dict)
    """Machines that want to be added, with their public keys."""

    @property
    def newer_than_in_store(self) -> dict[str, Seen]:
        """Heads that were accepted earlier and are no longer in the store. Their machines should be told."""
        lost = (machine for machine, problem in self.problems.items() if problem == ROLLED_BACK)
        return {machine: self.seen[machine] for machine in lost if machine in self.seen}

    @property
    def seen_of_me(self) -> list[Seen]:
        """The heads of this machine that others have seen."""
        return [head.seen[self.me] for head in self.heads.values() if self.me in head.seen]


def believed(start: View, branches: Iterable[Branch], key: MachineKey) -> View:
    """Returns the view after all of `branches` that can be believed, and for each other branch why it can't."""
    others = sorted((branch for branch in branches if branch.machine != start.me), key=lambda branch: branch.machine)
    opened = cache(partial(opened_head, key=key))
    membership = start.membership
    while True:
        view = _judged(replace(start, membership=membership), others, opened)
        found = membership
        for head in (head for machine, head in view.heads.items() if machine in membership.active):
            found |= head.membership
        if found == membership:
            return _finished(view, others)
        # What a machine has added that turns out to be removed does not count.
        is_more_removed = found.removed.keys() != membership.removed.keys()
        membership = start.membership | Membership(removed=found.removed) if is_more_removed else found


def _judged(view: View, branches: Iterable[Branch], opened: Callable[..., Head]) -> View:
    heads: dict[str, Head] = {}
    problems: dict[str, str] = {}
    for branch in branches:
        try:
            if branch.machine in view.membership.members:
                heads[branch.machine] = _accepted(view, branch, opened)
        except Unreadable as error:
            problems[branch.machine] = str(error)
    return replace(view, heads=heads, problems=problems)


def _accepted(view: View, branch: Branch, opened: Callable[..., Head]) -> Head:
    """Returns a head that is believed. Raises Unreadable."""
    seen = view.seen.get(branch.machine, Seen())
    if branch.head is None:
        raise Unreadable(ROLLED_BACK if seen.sequence else UNMET)
    removed = view.membership.removed.get(branch.machine)
    if removed is not None and branch.sha not in (seen.sha, removed.sha):
        raise Unreadable(REMOVED)
    public = view.membership.members[branch.machine] if branch.sha != seen.sha else None
    head = opened(branch, public, unmet=REMOVED_HERE if seen.sequence else UNMET)
    if head.store != view.store:
        raise Unreadable(OTHER_STORE)
    if head.sequence < seen.sequence or (head.sequence == seen.sequence and branch.sha != seen.sha):
        raise Unreadable(ROLLED_BACK)
    return head


def _finished(view: View, branches: Sequence[Branch]) -> View:
    """Returns the view without heads that another machine has seen a newer one of, and with what follows."""
    heads = dict(view.heads)
    problems = dict(view.problems)
    gone = view.seen.keys() - {branch.machine for branch in branches} - view.membership.removed.keys()
    problems |= dict.fromkeys(sorted(gone), ROLLED_BACK)
    active = [head for machine, head in heads.items() if machine in view.membership.active]
    for machine, head in view.heads.items():
        newer = (other.seen.get(machine, Seen()).sequence - head.sequence for other in active)
        if any(0 < ahead <= MOST_AHEAD for ahead in newer):
            problems[machine] = ROLLED_BACK
            del heads[machine]
    seen = {
        branch.machine: Seen(heads[branch.machine].sequence, branch.sha)
        for branch in branches
        if branch.machine in heads
    }
    known = view.membership.members.keys() | view.membership.removed.keys()
    waiting = {branch.machine: branch.public for branch in branches if branch.machine not in known}
    return replace(
        view,
        heads=heads,
        problems=problems,
        seen={**view.seen, **seen},
        waiting={machine: public for machine, public in waiting.items() if public is not None},
    )
