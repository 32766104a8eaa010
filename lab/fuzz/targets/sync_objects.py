"""Objects of another machine: whatever is inside the encryption, it is exactly of its form, or refused as unreadable.

Payloads that are accepted say the same when they are encoded again.
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from carryover.sync import head, sealing
from carryover.sync.head import Head, Peer, Segment
from carryover.sync.payload import (
    Payload,
    SyncedEvent,
    SyncedSession,
)
from carryover.sync.sealing import MachineKey, Unreadable
from fuzz.bytes import chosen

LARGEST: Final = 3_000
_OTHER: Final = "b" * 16


def _payload(data: bytes) -> None:
    try:
        found = msgspec.msgpack.decode(data, type=Payload)
    except (ValueError, RecursionError):
        return
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=Payload) == found


def _head(data: bytes) -> None:
    assert _accepted(_sealed(zlib.compress(data))).machine == _OTHER


def _packed(data: bytes) -> None:
    """The bytes are what a head is packed as, what was encrypted, and a whole file."""
    for file in (_sealed(data), data, msgspec.msgpack.encode([b"", sealing.AGE_HEADER + data])):
        with suppress(Unreadable):
            _accepted(file)


def _signature(data: bytes) -> None:
    assert not sealing.is_signed_by(_key().public, data, b"message")


def _key_file(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    assert not sealing.is_machine_key(text) or sealing.seal_for([text], b"x")


def _segment(data: bytes) -> None:
    sealed = sealing.seal_for([_key().public], data)
    head.opened_segment(Segment(len(sealed), head.sha_of(sealed)), sealed, _key())


KINDS: Final[Sequence[Callable[[bytes], None]]] = (_payload, _head, _packed, _signature, _key_file, _segment)


def check(data: bytes, folder: Path) -> None:
    kind, rest = chosen(data, KINDS)
    try:
        kind(rest)
    except Unreadable as error:
        assert str(error)


def _accepted(file: bytes) -> Head:
    """The head in a file that is known to be from its machine."""
    return head.accepted_head(_OTHER, file, Peer(key=_key().public, name="", sha=head.sha_of(file)), _key())


def _sealed(packed: bytes) -> bytes:
    return msgspec.msgpack.encode([b"", sealing.seal_for([_key().public], packed)])


@cache
def _key() -> MachineKey:
    file = Path(tempfile.mkdtemp(), "key")
    sealing.make_key(file)
    return MachineKey(file)


def seeds() -> Iterable[bytes]:
    body = b'{"kind":"user_prompt","text":"Add a discount"}'
    payload = Payload(
        sessions=(SyncedSession(agent="codex", native_id="s1", root="/home/ann/shop"),),
        events=(SyncedEvent(session=0, key=b"k" * 16, at_ms=5, body=body, subagent_id="x"),),
        replaced=(b"r" * 16,),
    )
    yield b"\0" + msgspec.msgpack.encode(payload)
    said = Head(machine=_OTHER, name="laptop", sequence=1)
    full = msgspec.structs.replace(said, segments=(Segment(4_000, b"s" * 32),), removed={"a" * 16: b"s" * 32})
    for one in (said, full):
        yield b"\1" + msgspec.msgpack.encode(one)
        yield b"\2" + zlib.compress(msgspec.msgpack.encode(one))
    yield b"\3" + _key().signature(b"message of another")
    yield b"\4" + _key().public.encode()
    yield b"\5" + zlib.compress(msgspec.msgpack.encode(payload))
