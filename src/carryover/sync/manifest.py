"""The files of a machine's branch, and when another machine believes them. Pure functions over bytes.

    head          the manifest, sealed in the machine's newest epoch
    keys/<id>     for each other machine, encrypted to it: a challenge, and the epochs' secrets
    auth          for each machine: a MAC over the two above with the challenge that it has set
    join          the machine's public key, by which others can add it
    <2>/<30>      parts of segments

The challenges show who wrote what. Otherwise, anyone who once knew an epoch and can still write to the remote could
speak for any machine.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Annotated, Final, Literal, TypeVar

import msgspec

from carryover.sync import payload, sealing
from carryover.sync.payload import MachineId, MachineName, Payload, ProjectState, Text, Time
from carryover.sync.sealing import Epoch, MachineKey, Unreadable

MOST_BYTES: Final = 32 << 20
MOST_PARTS: Final = 100_000
MOST_MACHINES: Final = 200
MOST_EPOCHS: Final = 1_000
MOST_AHEAD: Final = 1 << 20
"""How far another machine can have seen a sequence ahead of what is known: one that rises forever would run out."""

Sha = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
EpochId = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6}-[0-9a-f]{16}$")]
T = TypeVar("T")


class Part(msgspec.Struct, frozen=True, array_like=True):
    """An object of a segment: its name, and the SHA-256 of its bytes."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]
    sha: Sha

    @property
    def path(self) -> str:
        """The path of the object in the branch."""
        return f"{self.name[:2]}/{self.name[2:]}"


class Segment(msgspec.Struct, frozen=True, array_like=True):
    """A payload in the store, in one part unless it is too large for that."""

    epoch: EpochId
    parts: Annotated[tuple[Part, ...], msgspec.Meta(min_length=1, max_length=64)]

    @property
    def id(self) -> str:
        """Identifies the segment in other machines' notes of what they have taken."""
        return self.parts[0].name


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """A manifest that was accepted: its sequence number, and the SHA-256 of the sealed bytes."""

    sequence: Time = 0
    sha: bytes = b""


class Membership(msgspec.Struct, frozen=True):
    """Who belongs to the store. It only grows, so all machines come to agree, whoever learned of a change first. It
    never grows beyond what a manifest may hold, whatever another machine claims."""

    members: Annotated[dict[MachineId, Text], msgspec.Meta(max_length=MOST_MACHINES)] = {}
    """The machines that were ever added, with their public keys."""
    revoked: Annotated[frozenset[MachineId], msgspec.Meta(max_length=MOST_MACHINES)] = frozenset()
    """Those that were removed."""
    given: Annotated[dict[EpochId, frozenset[MachineId]], msgspec.Meta(max_length=MOST_EPOCHS)] = {}
    """The machines that have each epoch, as far as known."""

    @property
    def active(self) -> dict[str, str]:
        """The machines that were added and not removed, with their public keys."""
        return {machine: recipient for machine, recipient in self.members.items() if machine not in self.revoked}

    def __or__(self, other: Membership) -> Membership:
        added = {machine: recipient for machine, recipient in other.members.items() if machine not in self.members}
        usable = {machine: recipient for machine, recipient in added.items() if sealing.is_recipient(recipient)}
        members = dict(islice({**self.members, **usable}.items(), MOST_MACHINES))
        # Members come first, so no invented names keep one from being removed.
        revoked = sorted(self.revoked | other.revoked, key=lambda machine: (machine not in members, machine))
        epochs = islice({**self.given, **other.given}, MOST_EPOCHS)
        given = {name: (self.has(name) | other.has(name)) & members.keys() for name in epochs}
        return Membership(members, frozenset(revoked[:MOST_MACHINES]), given)

    def has(self, epoch: str) -> frozenset[str]:
        """Returns the machines that have an epoch."""
        return self.given.get(epoch, frozenset())


class Manifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a machine says about the store. A file that it does not list does not count."""

    version: Literal[1] = 1
    store: MachineId
    machine: MachineId
    name: MachineName
    """What its owner calls the machine; two may have the same name."""
    sequence: Time
    synced_ms: Time
    segments: Annotated[tuple[Segment, ...], msgspec.Meta(max_length=MOST_PARTS)] = ()
    membership: Membership = Membership()
    seen: Annotated[dict[MachineId, Seen], msgspec.Meta(max_length=MOST_MACHINES)] = {}
    projects: Annotated[tuple[ProjectState, ...], msgspec.Meta(max_length=5_000)] = ()


class Keys(msgspec.Struct, frozen=True):
    """Secrets that one machine gives another. Only the machine that has the other key can read `challenge`: by using
    it, it proves who it is.
    """

    challenge: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
    epochs: Annotated[tuple[Epoch, ...], msgspec.Meta(max_length=MOST_EPOCHS)]


_encoder: Final = msgspec.msgpack.Encoder(order="deterministic")


class Branch(msgspec.Struct, frozen=True):
    """The files of a machine's branch as they are in the store. A missing one is None."""

    machine: MachineId
    head: bytes | None = None
    auth: bytes | None = None
    keys: bytes | None = None
    """The keys for this machine."""
    join: bytes | None = None
    """The machine's public key, for those that it has not been added to. Anyone could have written it: its code is
    compared.
    """

    @property
    def sha(self) -> bytes:
        """The SHA-256 of the sealed manifest."""
        return hashlib.sha256(self.head or b"").digest()


def files_of(
    manifest: Manifest,
    key: MachineKey,
    epochs: Iterable[Epoch],
    current: Epoch,
    challenges: Mapping[str, bytes],
    *,
    former: Mapping[str, bytes],
) -> dict[str, bytes]:
    """Returns the files of this machine's branch, without the segments. `challenges` are those of the other
    machines; `former` has keys that can be reused."""
    keys = {
        machine: former.get(machine)
        or sealing.seal_to(recipient, _encoder.encode(Keys(key.challenge(machine), tuple(epochs))))
        for machine, recipient in manifest.membership.active.items()
        if machine != manifest.machine
    }
    [packed] = sealing.deflated(_encoder.encode(manifest))
    head = sealing.seal(current, "manifest", packed)
    known = {**challenges, manifest.machine: key.challenge(manifest.machine)}
    macs = {machine: _auth(secret, manifest.machine, head, keys.get(machine)) for machine, secret in known.items()}
    files = {"head": head, "auth": _encoder.encode(macs), "join": key.recipient.encode()}
    return files | {f"keys/{name}": data for name, data in keys.items()}


def opened_keys(branch: Branch, key: MachineKey) -> Keys:
    """Returns the secrets for this machine in a branch. Raises Unreadable."""
    if branch.keys is None:
        raise Unreadable("it has no key for this machine yet")
    return _decoded(key.open(branch.keys), Keys)


def proof(branch: Branch, me: str, key: MachineKey) -> bool | None:
    """Whether the branch was written by its machine, which must have read this one's challenge for that; None if it
    contains no answer to it."""
    try:
        mac = _decoded(branch.auth or b"", dict[str, bytes]).get(me)
    except Unreadable:
        return None
    if mac is None or branch.head is None:
        return None
    return hmac.compare_digest(mac, _auth(key.challenge(branch.machine), branch.machine, branch.head, branch.keys))


def opened_manifest(branch: Branch, epochs: Iterable[Epoch]) -> Manifest:
    """Returns the manifest of a branch. Raises Unreadable if none of `epochs` opens it, or it is another machine's."""
    if branch.head is None:
        raise Unreadable("it has no manifest")
    for epoch in sorted(epochs, key=lambda one: one.id, reverse=True):
        try:
            content = sealing.open_sealed(epoch, "manifest", branch.head)
        except Unreadable:
            continue
        manifest = _decoded(sealing.inflated([content], MOST_BYTES), Manifest)
        if manifest.machine != branch.machine:
            raise Unreadable("it is another machine's")
        if sum(len(segment.parts) for segment in manifest.segments) > MOST_PARTS:
            raise Unreadable("it lists more than it may")
        return manifest
    raise Unreadable("it is damaged, or encrypted with a key that this machine does not have")


def join_code(machine: str, recipient: str) -> str:
    """Returns the code by which two people can check that they mean the same machine."""
    return sealing.code_of("carryover machine", machine, recipient)


def store_code(store: str, epochs: Iterable[Epoch]) -> str:
    """Returns the code by which two people can check that they mean the same store. It changes when a machine is
    removed."""
    newest = max(epochs, key=lambda one: one.id)
    return sealing.code_of("carryover store", store, newest.recipient)


def _auth(challenge: bytes, machine: str, head: bytes, keys: bytes | None) -> bytes:
    hashes = hashlib.sha256(head).digest() + hashlib.sha256(keys or b"").digest()
    return hmac.digest(challenge, b"auth" + machine.encode() + hashes, "sha256")


def _decoded(data: bytes, form: type[T]) -> T:
    try:
        return msgspec.msgpack.decode(data, type=form)
    except (ValueError, RecursionError) as error:
        raise Unreadable("it is damaged, or of a newer version of Carryover") from error


MERGED_AT: Final = 8
"""As many segments of about one size become one of the next, so that a year of small syncs stays a few dozen."""
_LARGEST_MERGED: Final = 256 << 10
"""Segments whose objects are larger stay as they are."""


def sealed_segment(epoch: Epoch, payloads: Iterable[Payload]) -> tuple[Segment, dict[str, bytes]]:
    """Returns payloads as a segment, and its files by their paths."""
    parts = []
    files = {}
    for content in sealing.deflated(payload.encode_payloads(payloads)):
        data = sealing.seal(epoch, "segment", content)
        part = Part(epoch.name_of(data), hashlib.sha256(data).digest())
        parts.append(part)
        files[part.path] = data
    return Segment(epoch.id, tuple(parts)), files


def opened_segment(segment: Segment, epochs: Mapping[str, Epoch], read: Callable[[str], bytes]) -> tuple[Payload, ...]:
    """Returns a segment's payloads. `read` returns the file at a path. Raises Unreadable if anything about them is
    wrong."""
    epoch = epochs.get(segment.epoch)
    if epoch is None:
        raise Unreadable("it is encrypted with a key that this machine does not have")
    contents = []
    for part in segment.parts:
        data = read(part.path)
        if hashlib.sha256(data).digest() != part.sha:
            raise Unreadable("bytes of it were changed")
        contents.append(sealing.open_sealed(epoch, "segment", data))
    data = sealing.inflated(contents, payload.LARGEST_PAYLOADS)
    try:
        return payload.decode_payloads(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable("it is damaged, or of a newer version of Carryover") from error


def to_merge(segments: Iterable[Segment], size_of: Callable[[Segment], int]) -> list[list[Segment]]:
    """Returns the groups of segments that should become one each, in order; empty unless enough have about the same
    size."""
    of_size: dict[int, list[Segment]] = {}
    for segment in segments:
        size = size_of(segment)
        if size <= _LARGEST_MERGED:
            of_size.setdefault(size.bit_length(), []).append(segment)
    return [alike[:MERGED_AT] for alike in of_size.values() if len(alike) >= MERGED_AT]
