"""What is encrypted, and what a payload may be."""

from __future__ import annotations

import hashlib
import importlib
import zlib

import msgspec
import pytest

from carryover.sync.manifest import Part, Segment, opened_segment, sealed_segment
from carryover.sync.payload import (
    LARGEST_PAYLOADS,
    Payload,
    SyncedEvent,
    SyncedSession,
)
from carryover.sync.sealing import LARGEST, Epoch, Unreadable, inflated, new_epoch, open_sealed, seal, seal_to


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x91" * 5_000,
        msgspec.msgpack.encode([{"version": 2}]),
        msgspec.msgpack.encode([{"events": [{"session": 0, "key": b"k" * 16, "at_ms": 1, "body": b""}]}]),
        msgspec.msgpack.encode([{"sessions": [{"agent": "", "native_id": "x"}]}]),
        msgspec.msgpack.encode([{"sessions": [{"agent": "a", "native_id": "x" * 2_000}]}]),
        msgspec.msgpack.encode([{"tombstones": [{"scope": b"short", "from_ms": 0, "until_ms": 1}]}]),
        msgspec.msgpack.encode([{"tombstones": [{"scope": b"k" * 16, "from_ms": -1, "until_ms": 1}]}]),
        b"\x91\xdf\xff\xff\xff\xff",
        b"\x91\x81\xa6events\xdd\xff\xff\xff\xff",
    ],
)
def test_what_is_not_exactly_a_payload_is_refused(data: bytes) -> None:
    epoch = new_epoch(1)
    segment, files = _segment(epoch, data)

    with pytest.raises(Unreadable, match="damaged"):
        opened_segment(segment, {epoch.id: epoch}, files.__getitem__)


def test_a_segment_that_inflates_to_more_than_it_may_is_refused() -> None:
    epoch = new_epoch(1)
    bomb = zlib.compress(bytes(LARGEST_PAYLOADS + 1), 9)

    with pytest.raises(Unreadable, match="larger than it may be"):
        inflated([bomb], LARGEST_PAYLOADS)
    assert len(bomb) < LARGEST
    assert open_sealed(epoch, "segment", seal(epoch, "segment", bomb)) == bomb


def test_an_object_serves_no_other_purpose_and_no_other_epoch() -> None:
    epoch, other = new_epoch(1), new_epoch(1)
    sealed = seal(epoch, "segment", b"content")

    with pytest.raises(Unreadable):
        open_sealed(epoch, "manifest", sealed)
    with pytest.raises(Unreadable):
        open_sealed(other, "segment", sealed)
    with pytest.raises(Unreadable):
        open_sealed(epoch, "segment", seal_to(epoch.recipient, b"from somebody who knows the recipient"))


def test_sizes_fall_into_few_classes() -> None:
    epoch = new_epoch(1)
    pyrage = importlib.import_module("pyrage")
    key = pyrage.x25519.Identity.from_str(epoch.secret)
    lengths = range(0, 60_000, 100)

    # What age adds has a random length, so it is taken off first.
    sizes = [len(pyrage.decrypt(seal(epoch, "segment", bytes(length)), [key])) for length in lengths]

    assert len(set(sizes)) <= 64
    assert all(size <= max(4096, 1.07 * (length + 64)) for length, size in zip(lengths, sizes, strict=True))


def test_a_prompt_larger_than_an_object_is_sent_in_parts() -> None:
    epoch = new_epoch(1)
    body = hashlib.shake_256(b"a prompt").digest(9 << 20)
    payload = Payload(sessions=(SyncedSession("a", "s"),), events=(SyncedEvent(0, b"k" * 16, 1, body),))

    segment, files = sealed_segment(epoch, [payload])

    assert [len(data) <= 4 << 20 for data in files.values()] == [True] * 3
    assert opened_segment(segment, {epoch.id: epoch}, files.__getitem__) == (payload,)


def _segment(epoch: Epoch, data: bytes) -> tuple[Segment, dict[str, bytes]]:
    sealed = seal(epoch, "segment", zlib.compress(data))
    part = Part("0" * 32, hashlib.sha256(sealed).digest())
    return Segment(epoch.id, (part,)), {part.path: sealed}


def test_a_part_names_no_other_file() -> None:
    listed = msgspec.msgpack.encode(["000001-" + "0" * 16, [["../../etc", bytes(32)]]])
    with pytest.raises(msgspec.ValidationError, match="regex"):
        msgspec.msgpack.decode(listed, type=Segment)
