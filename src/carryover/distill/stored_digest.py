"""Digests as the ledger stores them, and the reducer that makes them.

The fold gets exactly what is stored, so a digest that is rebuilt equals one that grew event by event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeVar

import msgspec

from carryover.decoders import decoder_of
from carryover.distill.digest import FOLD_VERSION, Digest
from carryover.model import Event

_Kind = TypeVar("_Kind", bound=msgspec.Struct)


def decode_digest(fold_version: int, stored: bytes, kind: type[_Kind]) -> _Kind | None:
    """Decodes a stored digest, or those of its fields that `kind` has; None if another version of the fold made it, so
    that it must be rebuilt."""
    if fold_version != FOLD_VERSION:
        return None
    try:
        return decoder_of(kind).decode(stored) if stored else kind()
    except (msgspec.MsgspecError, UnicodeDecodeError):  # the latter for text that is not UTF-8
        return None


def fold_events(digest: Digest, events: Iterable[Event]) -> Digest:
    """Returns the digest after `events`, folded in order. Blocking: about 50 µs per event."""
    from carryover.distill.fold import fold  # a third of the start-up time of commands that only read digests

    return fold(digest, events)


def _folded_one_by_one(digest: Digest, events: Iterable[Event]) -> Digest:
    for event in events:
        with suppress(Exception):
            digest = fold_events(digest, [event])
    return digest


class DigestReducer:
    """Folds a thread's events into a digest (see `carryover.ledger.threads.Reducer`). `on_failure` gets what the fold
    raises."""

    version: int = FOLD_VERSION

    def __init__(self, on_failure: Callable[[Exception], object] = lambda _: None) -> None:
        self._on_failure = on_failure

    def reduce(self, state: bytes, events: Iterable[Event]) -> bytes:
        """Returns the digest after `events`, encoded, without those that the fold fails at: any text may meet a bug of
        ours, which must stop neither its session nor the others. An empty `state` is the empty digest. Raises
        ValueError if this version of the fold did not make it."""
        before = decode_digest(self.version, state, Digest)
        if before is None:
            raise ValueError("a digest of another version, or none")
        given = list(events)
        try:
            digest = fold_events(before, given)
        except Exception as error:
            self._on_failure(error)
            digest = _folded_one_by_one(before, given)
        return msgspec.json.encode(digest)
