"""Payloads as parts of segments, and what keeps the number of segments small. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from carryover.sync.manifest import Part, Segment
from carryover.sync.payload import LARGEST_PAYLOADS, Payload, decode_payloads, encode_payloads
from carryover.sync.sealing import Epoch, Unreadable, deflated, inflated, open_sealed, seal

MERGED_AT: Final = 8
"""As many segments of about one size become one of the next, so that a year of small syncs stays a few dozen."""
_LARGEST_MERGED: Final = 256 << 10
"""Segments whose objects are larger stay as they are."""


def sealed_segment(epoch: Epoch, payloads: Iterable[Payload]) -> tuple[Segment, dict[str, bytes]]:
    """Returns payloads as a segment, and its files by their paths."""
    parts, files = [], {}
    for content in deflated(encode_payloads(payloads)):
        data = seal(epoch, "segment", content)
        part = Part(epoch.name_of(data), hashlib.sha256(data).digest())
        parts.append(part)
        files[part.path] = data
    return Segment(epoch.id, tuple(parts)), files


def opened_segment(segment: Segment, epochs: Mapping[str, Epoch], read: Callable[[str], bytes]) -> tuple[Payload, ...]:
    """Returns a segment's payloads. `read` returns the file at a path. Raises Unreadable if anything is amiss."""
    epoch = epochs.get(segment.epoch)
    if epoch is None:
        raise Unreadable("it is encrypted with a key that this machine does not have")
    contents = []
    for part in segment.parts:
        data = read(part.path)
        if hashlib.sha256(data).digest() != part.sha:
            raise Unreadable("bytes of it were changed")
        contents.append(open_sealed(epoch, "segment", data))
    data = inflated(contents, LARGEST_PAYLOADS)
    try:
        return decode_payloads(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable("it is damaged, or of a newer version of Carryover") from error


def to_merge(segments: Iterable[Segment], size_of: Callable[[Segment], int]) -> list[list[Segment]]:
    """Returns the groups of segments that should become one each, in order; none without enough of about one size."""
    of_size: dict[int, list[Segment]] = {}
    for segment in segments:
        size = size_of(segment)
        if size <= _LARGEST_MERGED:
            of_size.setdefault(size.bit_length(), []).append(segment)
    return [alike[:MERGED_AT] for alike in of_size.values() if len(alike) >= MERGED_AT]
