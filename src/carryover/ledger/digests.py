"""A thread's digest as it is stored: compressed, whatever the reducer made of it; before version 9, as it was made."""

from __future__ import annotations

from typing import Final

from carryover.ledger.frames import MOST_BYTES, DamagedFrame, pack, unpack

_MARK: Final = 0xFF
"""No JSON begins with this byte."""
_UNREADABLE: Final = bytes((_MARK,))


def pack_digest(digest: bytes) -> bytes:
    """Returns the digest as it is stored; an empty one stays empty."""
    return pack(digest, _MARK) if 0 < len(digest) <= MOST_BYTES else digest


def unpack_digest(stored: bytes) -> bytes:
    """Returns the digest as its reducer made it; if it is damaged, bytes that no reducer can read."""
    if stored[:1] != _UNREADABLE:
        return stored
    try:
        return unpack(stored)
    except DamagedFrame:
        return _UNREADABLE
