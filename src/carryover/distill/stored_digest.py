"""Digests as the ledger stores them, and the reducer that makes them.

The fold gets exactly what is stored, so a digest that is rebuilt equals one that grew event by event.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from carryover.distill.digest import FOLD_VERSION, Digest
from carryover.model import Event

_decoder: Final = msgspec.json.Decoder(Digest)


def decode_digest(fold_version: int, stored: bytes) -> Digest | None:
    """Decodes a stored digest; None if another version of the fold made it, so that it must be rebuilt."""
    if fold_version != FOLD_VERSION:
        return None
    try:
        return _decoder.decode(stored) if stored else Digest()
    except (msgspec.MsgspecError, UnicodeDecodeError):  # the latter for text that is not UTF-8
        return None


def fold_events(digest: Digest, events: Iterable[Event]) -> Digest:
    """Returns the digest after `events`, folded in order. Blocking: about 50 µs per event."""
    from carryover.distill.fold import fold  # a third of the start-up time of commands that only read digests

    return fold(digest, events)


class DigestReducer:
    """Folds a thread's events into a digest (see `carryover.ledger.threads.Reducer`)."""

    version: int = FOLD_VERSION

    def reduce(self, state: bytes, events: Iterable[Event]) -> bytes:
        """Returns the digest after `events`, encoded. An empty `state` is the empty digest."""
        digest = decode_digest(self.version, state)
        return msgspec.json.encode(fold_events(digest or Digest(), events))

    def can_read(self, state: bytes) -> bool:
        """Whether this version of the fold made `state`."""
        return decode_digest(self.version, state) is not None
