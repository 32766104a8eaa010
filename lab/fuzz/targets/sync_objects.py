"""Objects of another machine: whatever is inside the encryption, it is exactly of its form, or refused as unreadable.

Payloads that are accepted say the same when they are encoded again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from carryover.sync import manifest, sealing
from carryover.sync.manifest import Branch, Keys, Manifest, Part, Segment
from carryover.sync.payload import (
    Payload,
    SyncedEvent,
    SyncedProject,
    SyncedSession,
    SyncedTombstone,
    decode_payloads,
    encode_payloads,
)
from carryover.sync.sealing import Epoch, MachineKey, Unreadable
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


def _manifest(data: bytes) -> None:
    [packed] = sealing.deflated(data)
    opened = manifest.opened_manifest(Branch(_OTHER, head=sealing.seal(_epoch(), "manifest", packed)), [_epoch()])
    assert opened.machine == _OTHER
    assert opened.membership | opened.membership == opened.membership | opened.membership


def _packed(data: bytes) -> None:
    """The bytes are what a manifest is packed as, and a whole object."""
    for head in (sealing.seal(_epoch(), "manifest", data), sealing.HEADER + data):
        manifest.opened_manifest(Branch(_OTHER, head=head), [_epoch()])


def _keys(data: bytes) -> None:
    key = _key()
    opened = manifest.opened_keys(Branch(_OTHER, keys=sealing.seal_to(key.recipient, data)), key)
    for epoch in opened.epochs:
        try:
            assert epoch.id
        except Unreadable:
            continue


def _proof(data: bytes) -> None:
    assert manifest.proof(Branch(_OTHER, head=b"head", auth=data), _ME, _key()) in (None, False)


def _segment(data: bytes) -> None:
    sealed = sealing.seal(_epoch(), "segment", data)
    part = Part("0" * 32, manifest.Branch(_OTHER, head=sealed).sha)
    manifest.opened_segment(Segment(_epoch().id, (part,)), {_epoch().id: _epoch()}, lambda _path: sealed)


KINDS: Final[Sequence[Callable[[bytes], None]]] = (_payloads, _manifest, _packed, _keys, _proof, _segment)


def check(data: bytes, folder: Path) -> None:
    kind, rest = chosen(data, KINDS)
    try:
        kind(rest)
    except Unreadable as error:
        assert str(error)


def _epoch() -> Epoch:
    return Epoch(1, _secret())


def _key() -> MachineKey:
    return MachineKey(_secret())


_made: Final[list[str]] = []


def _secret() -> str:
    if not _made:
        _made.append(sealing.new_identity())
    return _made[0]


def seeds() -> Iterable[bytes]:
    body = b'{"kind":"user_prompt","text":"Add a discount"}'
    payload = Payload(
        projects=(SyncedProject(root="/home/ann/shop", first_commit="0" * 40, remotes=("example.org/shop",)),),
        sessions=(SyncedSession(agent="codex", native_id="s1", root="/home/ann/shop"),),
        events=(SyncedEvent(session=0, key=b"k" * 16, at_ms=5, body=body, subagent_id="x"),),
        tombstones=(SyncedTombstone(b"t" * 16, 0, 9),),
        forgotten_keys=(1,),
        replaced=(b"r" * 16,),
    )
    yield b"\0" + encode_payloads([payload, Payload()])
    said = Manifest(store=_ME, machine=_OTHER, name="laptop", sequence=1, synced_ms=2)
    full = msgspec.structs.replace(said, segments=(Segment("000001-" + _ME, (Part("0" * 32, b"s" * 32),)),))
    for one in (said, full):
        yield b"\1" + msgspec.msgpack.encode(one)
        yield b"\2" + b"".join(sealing.deflated(msgspec.msgpack.encode(one)))
    yield b"\3" + msgspec.msgpack.encode(Keys(b"c" * 32, (Epoch(1, "secret"),)))
    yield b"\4" + msgspec.msgpack.encode({_ME: b"m" * 32})
    yield b"\5" + b"".join(sealing.deflated(encode_payloads([payload])))
