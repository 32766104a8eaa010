"""Payloads as parts of segments, and what keeps the number of segments small. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from carryover.sync.manifest import Part, Segment
from carryover.sync.payload import (
    LARGEST_PAYLOAD,
    MOST,
    PIECE_BYTES,
    Payload,
    SyncedEvent,
    SyncedSession,
    decode_payload,
    encode_payload,
)
from carryover.sync.sealing import Epoch, Unreadable, deflated, inflated, open_sealed, seal

MERGED_AT: Final = 8
"""As many segments of about one size become one of the next, so that a year of small syncs stays a few dozen."""
_LARGEST_MERGED: Final = 256 << 10
"""Segments whose objects are larger stay as they are: several of them would hardly fit one payload."""


def sealed_segment(epoch: Epoch, payload: Payload) -> tuple[Segment, dict[str, bytes]]:
    """Returns a payload as a segment, and its files by their paths."""
    parts, files = [], {}
    for content in deflated(encode_payload(payload)):
        data = seal(epoch, "segment", content)
        part = Part(epoch.name_of(data), hashlib.sha256(data).digest())
        parts.append(part)
        files[part.path] = data
    return Segment(epoch.id, tuple(parts)), files


def opened_segment(segment: Segment, epochs: Mapping[str, Epoch], read: Callable[[str], bytes]) -> Payload:
    """Returns a segment's payload. `read` returns the file at a path. Raises Unreadable if anything is amiss."""
    epoch = epochs.get(segment.epoch)
    if epoch is None:
        raise Unreadable("it is encrypted with a key that this machine does not have")
    contents = []
    for part in segment.parts:
        data = read(part.path)
        if hashlib.sha256(data).digest() != part.sha:
            raise Unreadable("bytes of it were changed")
        contents.append(open_sealed(epoch, "segment", data))
    data = inflated(contents, LARGEST_PAYLOAD)
    try:
        return decode_payload(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable("it is damaged, or of a newer version of Carryover") from error


def to_merge(segments: Iterable[Segment], size_of: Callable[[Segment], int]) -> list[list[Segment]]:
    """Returns the groups of segments that should become one each, in order; none without enough of about one size."""
    of_size: dict[int, list[Segment]] = {}
    for segment in segments:
        size = size_of(segment)
        if size <= _LARGEST_MERGED:
            of_size.setdefault(size.bit_length(), []).append(segment)
    return [alike for alike in of_size.values() if len(alike) >= MERGED_AT]


def merged(payloads: Sequence[Payload]) -> list[Payload]:
    """Returns the same content in as few payloads as the bounds allow, in order."""
    groups: list[list[Payload]] = []
    for payload in payloads:
        if groups and _fits([*groups[-1], payload]):
            groups[-1].append(payload)
        else:
            groups.append([payload])
    return [_joined(group) for group in groups]


def _fits(payloads: Sequence[Payload]) -> bool:
    items = (one.projects + one.sessions + one.events + one.tombstones + one.replaced for one in payloads)
    count = sum(map(len, items)) + sum(len(payload.forgotten_keys) for payload in payloads)
    return count <= MOST and sum(len(event.body) for payload in payloads for event in payload.events) <= PIECE_BYTES


def _joined(payloads: Sequence[Payload]) -> Payload:
    """Returns one payload with the content of all. Of a session, the newest row counts."""
    places: dict[tuple[str, str], int] = {}
    sessions: list[SyncedSession] = []
    events: list[SyncedEvent] = []
    for payload in payloads:
        numbers = []
        for session in payload.sessions:
            at = places.setdefault((session.agent, session.native_id), len(sessions))
            sessions[at : at + 1] = [session]
            numbers.append(at)
        for event in payload.events:
            events.append(msgspec.structs.replace(event, session=numbers[event.session]))
    return Payload(
        projects=tuple({project.root: project for payload in payloads for project in payload.projects}.values()),
        sessions=tuple(sessions),
        events=tuple(events),
        tombstones=tuple(dict.fromkeys(one for payload in payloads for one in payload.tombstones)),
        forgotten_keys=tuple(dict.fromkeys(key for payload in payloads for key in payload.forgotten_keys)),
        replaced=tuple(key for payload in payloads for key in payload.replaced),
    )
