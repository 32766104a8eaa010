"""What a machine says about its part of the store, and when another machine believes it.

Each machine has a log of its own: `key`, its public key; segments, which never change; and `head`, which lists the
segments that count. The head is signed by its machine, and all is encrypted to the machines whose codes its user has
compared, so one that was removed can neither read what is written from then on, nor speak for another.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import Annotated, Final, Literal

import msgspec

from carryover.sync import payload, sealing
from carryover.sync.payload import MachineId, MachineName, Payload, Time
from carryover.sync.sealing import MachineKey, Unreadable

_MOST_BYTES: Final = 32 << 20
MOST_SEGMENTS: Final = 20_000
_MOST_REMOVED: Final = 1_000

MISSED: Final = (
    "the store has an older state of it than was there before, a damaged one, or none; nothing was removed here"
)
FORGED: Final = "its part of the store was not written by it; nothing of it was taken"
REMOVED: Final = "it was removed from the store and has written since; nothing of that was taken"
UNMET: Final = (
    "it writes nothing that this machine can read: unless it has removed this one, run `carryover sync add-machine` "
    "there, then `carryover sync`"
)

Sha = Annotated[bytes, msgspec.Meta(max_length=32)]
_Signed = tuple[Annotated[bytes, msgspec.Meta(max_length=4 << 10)], bytes]
"""A signature, and what it signs: a head, compressed and encrypted."""


class Segment(msgspec.Struct, frozen=True, array_like=True):
    """A payload in a file of its own. `sha` is the SHA-256 of the file's bytes."""

    size: Time
    sha: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]

    @property
    def name(self) -> str:
        """The name of its file, by which other machines also note that they have taken it."""
        return self.sha.hex()[:32]


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What a machine says about its log. A segment that it does not list does not count."""

    version: Literal[1] = 1
    machine: MachineId
    name: MachineName
    """What its owner calls the machine; two may have the same name."""
    sequence: Time = 0
    """Rises with each head. It is the time (UTC ms), or more, so that a machine restored from a copy goes on higher."""
    segments: Annotated[tuple[Segment, ...], msgspec.Meta(max_length=MOST_SEGMENTS)] = ()
    removed: Annotated[dict[MachineId, Sha], msgspec.Meta(max_length=_MOST_REMOVED)] = {}
    """The machines that were removed, each with the SHA-256 of its last head that counts."""


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """What this machine knows of another one whose code its user has compared."""

    key: str
    """Its public key."""
    name: str
    sequence: int = 0
    sha: bytes = b""
    """The sequence and the SHA-256 of its newest head that was accepted."""
    removed: bytes | None = None
    """If it was removed, the SHA-256 of its last head that counts."""
    problem: str | None = None
    """Why nothing newer of it was taken at the last try."""


def code_of(machine: str, public: str) -> str:
    """Returns the 20 digits by which a user can check that two machines mean the same machine with the same key. With
    fewer, someone could try keys until one matches."""
    about = "\n".join(("carryover machine", machine, public)).encode()
    digits = f"{int.from_bytes(hashlib.sha256(about).digest()) % 10**20:020d}"
    return " ".join(digits[at : at + 4] for at in range(0, 20, 4))


def sha_of(data: bytes | None) -> bytes:
    """Returns the SHA-256 of a file."""
    return hashlib.sha256(data or b"").digest()


def sealed_head(head: Head, recipients: list[str], key: MachineKey) -> bytes:
    """Returns the file of a head, for the machines with these public keys."""
    sealed = sealing.seal_for(recipients, zlib.compress(msgspec.msgpack.encode(head)))
    return msgspec.msgpack.encode((key.signature(_message(head.machine, sealed)), sealed))


def accepted_head(machine: str, data: bytes | None, peer: Peer, key: MachineKey) -> Head:
    """Returns the head of another machine from its file. Raises Unreadable, with the reason, if it is not to be
    believed: not signed by that machine, not for this one, or not newer than what was accepted before."""
    if data is None:
        raise Unreadable(MISSED if peer.sequence else UNMET)
    sha = sha_of(data)
    if peer.removed is not None and sha not in (peer.sha, peer.removed):
        raise Unreadable(REMOVED)
    signature, sealed = sealing.decoded(msgspec.msgpack.Decoder(_Signed).decode, data)
    if sha != peer.sha and not sealing.is_signed_by(peer.key, signature, _message(machine, sealed)):
        raise Unreadable(FORGED)
    try:
        packed = key.open(sealed)
    except Unreadable as error:
        raise Unreadable(UNMET) from error
    head = sealing.decoded(msgspec.msgpack.Decoder(Head).decode, sealing.inflated(packed, _MOST_BYTES))
    if head.machine != machine:
        raise Unreadable(FORGED)
    if head.sequence < peer.sequence or (head.sequence == peer.sequence and sha != peer.sha):
        raise Unreadable(MISSED)
    return head


def sealed_segment(content: Payload, recipients: list[str]) -> tuple[Segment, bytes]:
    """Returns a payload as a segment for the machines with these public keys, and the bytes of its file."""
    data = sealing.seal_for(recipients, zlib.compress(msgspec.msgpack.encode(content)))
    return Segment(len(data), sha_of(data)), data


def opened_segment(segment: Segment, data: bytes | None, key: MachineKey) -> Payload:
    """Returns a segment's payload. Raises Unreadable if anything about its file is wrong."""
    if data is None:
        raise Unreadable("it is missing from the store, or larger than it may be")
    if sha_of(data) != segment.sha:
        raise Unreadable("bytes of it were changed")
    content = sealing.inflated(key.open(data), payload.LARGEST_PAYLOAD)
    return sealing.decoded(msgspec.msgpack.Decoder(Payload).decode, content)


def _message(machine: str, sealed: bytes) -> bytes:
    return machine.encode() + b"\n" + sealed
