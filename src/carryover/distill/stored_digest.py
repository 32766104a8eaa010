"""Digests as the ledger stores them, and the reducer that makes them.

The fold gets exactly what is stored, so a digest that is rebuilt equals one that grew event by event.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from carryover.distill.digest import FOLD_VERSION, Digest, Ending
from carryover.model import Event

_decoder: Final = msgspec.json.Decoder(Digest)


class _Ended(msgspec.Struct):
    """A digest, but for how its newest turn was cut off."""

    ending: Ending | None = None


_decoder_of_ended: Final = msgspec.json.Decoder(_Ended)


def decode_digest(fold_version: int, stored: bytes) -> Digest | None:
    """Decodes a stored digest; None if another version of the fold made it, so that it must be rebuilt."""
    if fold_version != FOLD_VERSION:
        return None
    try:
        return _decoder.decode(stored) if stored else Digest()
    except (msgspec.MsgspecError, UnicodeDecodeError):  # the latter for text that is not UTF-8
        return None


def may_end_at_limit(fold_version: int, stored: bytes) -> bool:
    """Whether the newest turn of a thread with this stored digest may have ended at a usage limit. Nothing else of the
    digest is read, so that hundreds can be asked."""
    if fold_version != FOLD_VERSION or not stored:
        return True
    try:
        ending = _decoder_of_ended.decode(stored).ending
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return True
    return ending is not None and ending.reason == "limit"


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
