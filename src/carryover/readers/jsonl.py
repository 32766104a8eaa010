"""Append-only JSON lines: the complete lines since the last read, however the file was cut, grown or replaced."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Batch, FileStat, Record
from carryover.readers.files import open_regular, stamp_of_file
from carryover.readers.position import Position, decode, guarded, settle

MAX_LINE_BYTES: Final = 8 << 20
"""A longer line is counted and skipped, without being held in memory."""

READ_BYTES: Final = 1 << 20
READ_LINES: Final = 500
SKIP_BYTES: Final = 64 << 20
"""How much of an oversized line one read skips, so that no read takes long."""


class JsonlReader:
    """Reads a file that grows by whole lines. A last line without a newline waits until it is complete.

    Blank and oversized lines are no records but count in the numbering. A line may hold any bytes. `copied`: the file
    grows no more, so a last line without a newline is taken too if it is JSON.
    """

    def __init__(self, *, copied: bool = False) -> None:
        self._copied = copied

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """The next complete lines, at most 1 MiB or 500 of them.

        A file that is shorter than the cursor, or holds other bytes at its head or just before the cursor, is read from
        its beginning (`restarted`). Raises FileNotFoundError when it is gone, OSError when it is not a regular file or
        cannot be read.
        """
        descriptor = open_regular(path)
        try:
            position, restarted = settle(descriptor, cursor)
            lines, position, oversized, more = _advance(descriptor, position)
            if self._copied and not more and not position.passed:
                lines, position = _with_last_line(descriptor, lines, position)
            position = guarded(descriptor, position)
        finally:
            os.close(descriptor)
        return Batch(
            records=lines,
            cursor=msgspec.msgpack.encode(position),
            restarted=restarted,
            more=more,
            oversized=oversized,
        )

    def stat(self, path: Path) -> FileStat:
        """Size and time of the file."""
        return stamp_of_file(path)

    def resumes_at(self, cursor: bytes) -> int:
        """The offset in bytes at which a cursor continues: the file's size, unless its last line is not complete."""
        position = decode(cursor)
        return position.resume_at if position is not None else 0


def _advance(descriptor: int, position: Position) -> tuple[tuple[Record, ...], Position, int, bool]:
    """Records, the new position (its guards are not set), oversized lines skipped, whether there is more now."""
    if position.passed:
        return skip_line(descriptor, position)
    data = os.pread(descriptor, READ_BYTES, position.offset)
    full = len(data) == READ_BYTES
    while full and b"\n" not in data:
        if len(data) > MAX_LINE_BYTES:
            return skip_line(descriptor, msgspec.structs.replace(position, passed=len(data)))
        chunk = os.pread(descriptor, READ_BYTES, position.offset + len(data))
        data += chunk
        full = len(chunk) == READ_BYTES
    records, offset, line, oversized = _split(data, position)
    cut = line - position.line == READ_LINES
    more = full or (cut and offset < position.offset + len(data))
    return records, Position(offset=offset, line=line), oversized, more


def _split(data: bytes, position: Position) -> tuple[tuple[Record, ...], int, int, int]:
    """The complete lines of `data`: records, the offset and number after the last of them, oversized ones left out."""
    *complete, _rest = data.split(b"\n", READ_LINES)
    records = []
    offset, line, oversized = position.offset, position.line, 0
    for text in complete:
        offset += len(text) + 1
        line += 1
        if len(text) > MAX_LINE_BYTES:
            oversized += 1
        elif (stripped := text.removesuffix(b"\r")) and not stripped.isspace():
            records.append(Record(number=line, data=stripped))
    return tuple(records), offset, line, oversized


def _with_last_line(
    descriptor: int, records: tuple[Record, ...], position: Position
) -> tuple[tuple[Record, ...], Position]:
    """The same with a last line that lacks only its newline, if there is one."""
    rest = os.pread(descriptor, MAX_LINE_BYTES, position.offset)
    try:
        msgspec.json.decode(rest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return records, position
    last = Record(number=position.line + 1, data=rest)
    return (*records, last), Position(offset=position.offset + len(rest), line=position.line + 1)


def skip_line(descriptor: int, position: Position) -> tuple[tuple[Record, ...], Position, int, bool]:
    """Skips to the end of an oversized line, holding one chunk at a time.

    Returns no record, the new position (its guards are not set), lines skipped, and whether there is more now.
    """
    at = position.resume_at
    stop = at + SKIP_BYTES
    while at < stop:
        chunk = os.pread(descriptor, READ_BYTES, at)
        end = chunk.find(b"\n")
        if end >= 0:
            offset = at + end + 1
            return (), Position(offset=offset, line=position.line + 1), 1, True
        at += len(chunk)
        if len(chunk) < READ_BYTES:
            return (), msgspec.structs.replace(position, passed=at - position.offset), 0, False
    return (), msgspec.structs.replace(position, passed=at - position.offset), 0, True
