"""Reads a document with the turns of a conversation, one record per turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Batch, FileStat, Record
from carryover.importing.specstory.layout import turn_starts
from carryover.readers.files import read_small, stamp_of_file

MAX_BYTES: Final = 32 << 20
"""A longer document is counted and skipped, since turns can only be found with the whole document in memory."""
TURNS_AT_ONCE: Final = 500


class Place(msgspec.Struct, frozen=True, array_like=True):
    """The position to continue from, valid for a file of this size and time: SpecStory rewrites a growing document.

    `turns`: number of records already returned.
    """

    size: int
    mtime_ns: int
    turns: int = 0


class SpecStoryReader:
    """Returns a record for the lines above the first turn, then one per turn, numbered by its last line."""

    def __init__(self, starts: Callable[[Sequence[bytes]], list[int]] = turn_starts) -> None:
        self._starts = starts
        self._known: tuple[Path, FileStat, list[Record] | None] | None = None

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Returns the next turns, at most 500. Raises FileNotFoundError and OSError as `read_small` does."""
        status = stamp_of_file(path)
        before = _decoded(cursor)
        same = before is not None and (before.size, before.mtime_ns) == (status.size, status.mtime_ns)
        begin = before.turns if before is not None and same else 0
        turns = self._turns_of(path, status)
        records = tuple((turns or [])[begin : begin + TURNS_AT_ONCE])
        after = Place(status.size, status.mtime_ns, begin + len(records))
        return Batch(
            records=records,
            cursor=msgspec.msgpack.encode(after),
            restarted=cursor is not None and not same,
            more=turns is not None and after.turns < len(turns),
            oversized=turns is None and not same,
        )

    def stat(self, path: Path) -> FileStat:
        """Returns size and time of the file."""
        return stamp_of_file(path)

    def _turns_of(self, path: Path, status: FileStat) -> list[Record] | None:
        """Returns all turns, cached for the next read, since a document may have many. None if it is too long."""
        if self._known is None or self._known[:2] != (path, status):
            data = read_small(path, limit=MAX_BYTES)
            self._known = path, status, None if data is None else _turns(data, self._starts)
        return self._known[2]


def _decoded(cursor: bytes | None) -> Place | None:
    try:
        return msgspec.msgpack.decode(cursor, type=Place) if cursor is not None else None
    except msgspec.DecodeError:
        return None


def _turns(data: bytes, starts: Callable[[Sequence[bytes]], list[int]]) -> list[Record]:
    lines = data.split(b"\n")
    found = []
    for start, end in pairwise(sorted({0, *starts([line.rstrip(b"\r") for line in lines]), len(lines)})):
        last = next((at for at in range(end - 1, start - 1, -1) if lines[at].strip()), None)
        if last is not None:
            text = b"\n".join(lines[start : last + 1])
            found.append(Record(number=last + 1, data=text + b"\n" * (last + 1 < len(lines))))
    return found
