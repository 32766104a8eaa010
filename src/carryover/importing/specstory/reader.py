"""Reads a SpecStory document turn by turn, in bounded memory."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Batch, FileStat, Record
from carryover.importing.specstory.layout import turn_starts
from carryover.readers.files import open_regular, stamp_of_file

WINDOW_BYTES: Final = 1 << 20
MAX_TURN_BYTES: Final = 8 << 20
"""A longer turn is counted and skipped."""


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where to continue, in the file that had this size and time: SpecStory rewrites a document as the session grows.

    `offset` is in bytes and at the beginning of a turn; `lines` are the lines before it.
    """

    size: int
    mtime_ns: int
    offset: int = 0
    lines: int = 0


class SpecStoryReader:
    """Gives one record per turn, after one for the lines above the first. Its number is that of its last line."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """The next turns, of about 1 MiB. Raises FileNotFoundError and OSError as `open_regular` does."""
        descriptor = open_regular(path)
        try:
            status = os.fstat(descriptor)
            before = _decoded(cursor)
            begin = Place(status.st_size, status.st_mtime_ns)
            same = before is not None and (before.size, before.mtime_ns) == (begin.size, begin.mtime_ns)
            place = before if before is not None and same else begin
            records, after, oversized = _turns(descriptor, place)
        finally:
            os.close(descriptor)
        return Batch(
            records=records,
            cursor=msgspec.msgpack.encode(after),
            restarted=cursor is not None and not same,
            more=after.offset < after.size,
            oversized=oversized,
        )

    def stat(self, path: Path) -> FileStat:
        """Size and time of the file."""
        return stamp_of_file(path)


def _decoded(cursor: bytes | None) -> Place | None:
    try:
        return msgspec.msgpack.decode(cursor, type=Place) if cursor is not None else None
    except msgspec.DecodeError:
        return None


def _turns(descriptor: int, place: Place) -> tuple[tuple[Record, ...], Place, int]:
    """Records, the place after them, and how many turns were skipped since they are too long."""
    window = WINDOW_BYTES
    while True:
        data = os.pread(descriptor, window, place.offset)
        complete = place.offset + len(data) >= place.size or len(data) < window
        lines = [line + b"\n" for line in data.split(b"\n")]
        rest = lines.pop()[:-1]
        if complete and rest:
            lines.append(rest)
        starts = turn_starts([line.rstrip(b"\r\n") for line in lines], complete=complete)
        bounds = sorted({0, *starts, *([len(lines)] if complete else [])})
        if complete or len(bounds) > 1:
            records = _records(lines, bounds, place.lines)
            passed = sum(map(len, lines[: bounds[-1]]))
            end = place.size if complete else place.offset + passed
            return records, Place(place.size, place.mtime_ns, end, place.lines + bounds[-1]), 0
        if window >= MAX_TURN_BYTES:
            end = place.offset + (sum(map(len, lines)) or len(data))
            return (), Place(place.size, place.mtime_ns, end, place.lines + len(lines)), 1
        window *= 2


def _records(lines: list[bytes], bounds: list[int], before: int) -> tuple[Record, ...]:
    found = []
    for start, end in pairwise(bounds):
        last = next((at for at in range(end - 1, start - 1, -1) if lines[at].strip()), None)
        if last is not None:
            found.append(Record(number=before + last + 1, data=b"".join(lines[start : last + 1])))
    return tuple(found)
