"""Objects of another machine: whatever is inside the encryption, it is exactly of its form, or refused as unreadable.

Payloads that are accepted say the same when they are encoded again.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from carryover.sync import head, sealing
from carryover.sync.head import Branch, Head, Membership, Seen, Segment
from carryover.sync.payload import (
    Payload,
    SyncedEvent,
    SyncedSession,
    SyncedTombstone,
    decode_payloads,
    encode_payloads,
)
from carryover.sync.sealing import MachineKey, Unreadable
from fuzz.bytes import chosen

LARGEST: Final = 3_000
_ME: Final = "a" * 16
_OTHER: Final = "b" * 16


def _payloads(data: bytes) -> None:
    try:
        found = decode_payloads(data)
    except (ValueError, RecursionError):
        return
    assert decode_payloads(encode_payloads(found)) == found


def _head(data: bytes) -> None:
    opened = head.opened_head(_branch(sealing.deflated(data)), None, _key())
    assert opened.machine == _OTHER
    assert opened.membership | opened.membership == opened.membership | opened.membership


def _packed(data: bytes) -> None:
    """The bytes are what a head is packed as, what was encrypted, and a whole file."""
    whole = Branch(_OTHER, head=data), Branch(_OTHER, head=msgspec.msgpack.encode([b"", sealing.AGE_HEADER + data]))
    for branch in (_branch(data), *whole):
        with suppress(Unreadable):
            head.opened_head(branch, None, _key())


def _signature(data: bytes) -> None:
    assert not sealing.is_signed_by(_key().public, data, b"message")


def _key_file(data: bytes) -> None:
    public = Branch(_OTHER, key=data).public
    assert public is None or sealing.seal_for([public], b"x")


def _segment(data: bytes) -> None:
    secret, public = sealing.new_identity()
    sealed = sealing.seal_for([public], data)
    head.opened_segment(Segment(1, len(sealed), hashlib.sha256(sealed).digest(), secret), sealed)


KINDS: Final[Sequence[Callable[[bytes], None]]] = (_payloads, _head, _packed, _signature, _key_file, _segment)


def check(data: bytes, folder: Path) -> None:
    kind, rest = chosen(data, KINDS)
    try:
        kind(rest)
    except Unreadable as error:
        assert str(error)


def _branch(packed: bytes) -> Branch:
    """A head with this content, which is known to be from its machine."""
    return Branch(_OTHER, head=msgspec.msgpack.encode([b"", sealing.seal_for([_key().public], packed)]))


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
        tombstones=(SyncedTombstone(b"t" * 16, 0, 9),),
        forgotten_keys=(1,),
        replaced=(b"r" * 16,),
    )
    yield b"\0" + encode_payloads([payload, Payload()])
    members = Membership({_ME: _key().public, _OTHER: _key().public}, {_ME: Seen(1, b"s" * 32)})
    said = Head(store=_ME, machine=_OTHER, name="laptop", sequence=1, synced_ms=2, membership=members)
    full = msgspec.structs.replace(said, segments=(Segment(1, 4_000, b"s" * 32, "secret"),), seen={_ME: Seen(1, b"s")})
    for one in (said, full):
        yield b"\1" + msgspec.msgpack.encode(one)
        yield b"\2" + sealing.deflated(msgspec.msgpack.encode(one))
    yield b"\3" + _key().signature(b"message of another")
    yield b"\4" + _key().public.encode()
    yield b"\5" + sealing.deflated(encode_payloads([payload]))
