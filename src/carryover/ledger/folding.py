"""Threads: a session's main conversation and each of its sub-agents, folded into a digest and notes.

Whether events come fresh or are read back, the fold sees exactly what is stored of them; so a rebuilt digest is the
same as one that grew.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from carryover.distill.digest import FOLD_VERSION, Digest
from carryover.distill.view import Note
from carryover.model import AnyBody, Event

EMPTY_DIGEST: Final = msgspec.json.encode(Digest())

_digest_decoder: Final = msgspec.json.Decoder(Digest)


class Line(msgspec.Struct, frozen=True):
    """An event as it is stored, which is all that a fold may use."""

    event_id: int
    at_ms: int
    body: AnyBody


class FoldedLines(msgspec.Struct, frozen=True):
    """A digest after some more events, and the notes they gave, each with the id of its event."""

    digest: Digest
    notes: tuple[tuple[int, Note], ...]


def current_digest(fold_version: int, stored: bytes) -> Digest | None:
    """The stored digest, or None where another fold made it and the thread must be folded anew."""
    if fold_version != FOLD_VERSION:
        return None
    try:
        return _digest_decoder.decode(stored)
    except msgspec.MsgspecError:
        return None


def fold_lines(digest: Digest, lines: Iterable[Line], *, session: str, sidechain: str) -> FoldedLines:
    """Fold `lines`, in order, on top of `digest`. Blocking: about 50 µs a line."""
    from carryover.distill.fold import fold  # a third of the start-up of commands that only read what was folded

    notes: list[tuple[int, Note]] = []
    for line in lines:
        event = Event(
            key=str(line.event_id), session=session, at_ms=line.at_ms, body=line.body, sidechain=sidechain or None
        )
        digest, new = fold(digest, event)
        notes.extend((line.event_id, note) for note in new)
    return FoldedLines(digest, tuple(notes))
