"""Reads append-only JSON lines: the lines completed since the last read, even if the file was truncated or replaced."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

import msgspec

from carryover.adapter.contract import Batch, FileStat, Record
from carryover.clock import utc_now_ms
from carryover.fsio import open_regular
from carryover.transcript.files import stamp_of_file, state_in

_HEAD_BYTES: Final = 1000
TAIL_BYTES: Final = 256
MAX_LINE_BYTES: Final = 8 << 20
"""A longer line is counted and skipped, without being held in memory."""
_READ_BYTES: Final = 1 << 20
READ_LINES: Final = 500
SKIP_BYTES: Final = 64 << 20
"""How much of an oversized line one read skips, so that no read takes long."""
REST_MS: Final = 2_000
"""How long after a write a last line without a newline may still grow."""


class _Position(msgspec.Struct, frozen=True, array_like=True):
    """Where to continue reading, and how to recognise that the file is still the same one.

    `offset` is in bytes, just after a complete line or after one that was taken before its newline came. `line` is the
    number of the last complete line. `passed` counts the bytes after `offset` that are known to belong to an oversized
    line whose end has not been seen.
    """

    offset: int = 0
    line: int = 0
    passed: int = 0
    head: bytes = b""
    """Hash of the first `_HEAD_BYTES`, or of what was read if that is less."""
    tail: bytes = b""
    """Hash of the `TAIL_BYTES` before the position where reading continues."""

    @property
    def resume_at(self) -> int:
        """The byte offset at which reading continues."""
        return self.offset + self.passed


def _position_in(descriptor: int, cursor: bytes | None) -> tuple[_Position, bool]:
    """Returns where to begin reading, and whether that is the start of a file that the cursor was not made for."""
    if cursor is None:
        return _Position(), False
    position = state_in(cursor, _Position)
    # A file that has become shorter has fewer bytes before the cursor, so its guards differ too.
    if position is None or _guards(descriptor, position) != (position.head, position.tail):
        return _Position(), True
    return position, False


def _guards(descriptor: int, position: _Position) -> tuple[bytes, bytes]:
    """Returns the hashes by which the file is recognised; see `_Position`."""
    end = position.resume_at
    start = max(0, end - TAIL_BYTES)
    return _hash(os.pread(descriptor, min(_HEAD_BYTES, end), 0)), _hash(os.pread(descriptor, end - start, start))


def _hash(data: bytes) -> bytes:
    import hashlib  # loads OpenSSL, which commands that only list transcripts don't need

    return hashlib.blake2b(data, digest_size=16).digest()


class JsonlReader:
    """Reads a file that grows by lines. A last line without a newline waits until it is complete.

    Some clients write no final newline. Such a line is taken if it is a JSON object and the file has rested, or is
    `copied` and no longer grows. Nothing but white space can follow a JSON object on its line, so nothing is lost.

    Blank and oversized lines are not records but are counted in the numbering. A line may hold any bytes.

    `before`: what another file says of the session, as a record numbered 0 before all lines that are read at once.
    """

    def __init__(
        self,
        *,
        before: Callable[[Path], bytes | None] = lambda _: None,
        copied: bool = False,
        now_ms: Callable[[], int] = utc_now_ms,
    ) -> None:
        self._before, self._copied, self._now_ms = before, copied, now_ms

    def of_copies(self) -> Self:
        """Returns the same reader for files that no longer grow."""
        return type(self)(before=self._before, copied=True)

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Returns the next complete lines, at most 1 MiB or 500 of them.

        A file that is shorter than the cursor, or whose bytes at its head or just before the cursor have changed, is
        read from its beginning (`restarted`). Raises FileNotFoundError when it is gone, OSError when it is not a
        regular file or cannot be read.
        """
        descriptor = open_regular(path)
        try:
            waits_ms = self._waits_ms(descriptor)  # before the content, so that this was not written later
            position, restarted = _position_in(descriptor, cursor)
            lines, position, oversized, more = _advance(descriptor, position)
            last = _last_line(descriptor, position) if not more and not position.passed else None
            if last is not None and waits_ms is None:
                # The line counts once its newline comes, and what there is before that has the same number.
                lines = (*lines, Record(number=position.line + 1, data=last.removesuffix(b"\r")))
                position = _Position(offset=position.offset + len(last), line=position.line)
            head, tail = _guards(descriptor, position)
        finally:
            os.close(descriptor)
        first = self._before(path) if lines else None
        lines = lines if first is None else (Record(number=0, data=first), *lines)
        return Batch(
            records=lines,
            cursor=msgspec.msgpack.encode(msgspec.structs.replace(position, head=head, tail=tail)),
            restarted=restarted,
            more=more,
            oversized=oversized,
            retry_after_s=waits_ms / 1000 if last is not None and waits_ms is not None else None,
        )

    def stat(self, path: Path) -> FileStat:
        """Returns the file's size and modification time."""
        return stamp_of_file(path)

    def resumes_at(self, cursor: bytes) -> int:
        """Returns the byte offset at which a cursor continues: the file's size, unless its last line is incomplete."""
        return (state_in(cursor, _Position) or _Position()).resume_at

    def _waits_ms(self, descriptor: int) -> int | None:
        """Returns how long to wait until the file has rested; None if it has, or if its time is in the future."""
        age_ms = self._now_ms() - os.fstat(descriptor).st_mtime_ns // 1_000_000
        return REST_MS - max(age_ms, 0) if not self._copied and -REST_MS <= age_ms < REST_MS else None


def _advance(descriptor: int, position: _Position) -> tuple[tuple[Record, ...], _Position, int, bool]:
    """Returns the records, the new position (no guards), the number of oversized lines, and whether there is more."""
    if position.passed:
        return _skip_line(descriptor, position)
    data = os.pread(descriptor, _READ_BYTES, position.offset)
    full = len(data) == _READ_BYTES
    while full and b"\n" not in data:
        if len(data) > MAX_LINE_BYTES:
            return _skip_line(descriptor, msgspec.structs.replace(position, passed=len(data)))
        chunk = os.pread(descriptor, _READ_BYTES, position.offset + len(data))
        data += chunk
        full = len(chunk) == _READ_BYTES
    records, offset, line, oversized = _split(data, position)
    cut = line - position.line == READ_LINES
    more = full or (cut and offset < position.offset + len(data))
    return records, _Position(offset=offset, line=line), oversized, more


def _split(data: bytes, position: _Position) -> tuple[tuple[Record, ...], int, int, int]:
    """Returns the complete lines of `data`, offset and number after the last one, and the number of oversized lines."""
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


def _last_line(descriptor: int, position: _Position) -> bytes | None:
    """Returns the rest of the file if that is a JSON object that lacks only its newline."""
    rest = os.pread(descriptor, MAX_LINE_BYTES + 1, position.offset)
    if not rest or len(rest) > MAX_LINE_BYTES or b"\n" in rest:
        return None
    text = rest.decode("utf-8-sig", "replace").strip()
    if not (text.startswith("{") and text.endswith("}")):
        return None
    import json  # takes lone surrogates, which programs in JavaScript write

    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    return rest


def _skip_line(descriptor: int, position: _Position) -> tuple[tuple[Record, ...], _Position, int, bool]:
    """Skips to the end of an oversized line, holding one chunk at a time.

    Returns no record, the new position (without guards), the number of lines skipped, and whether there is more now.
    """
    at, more = position.resume_at, True
    while more and at < position.resume_at + SKIP_BYTES:
        chunk = os.pread(descriptor, _READ_BYTES, at)
        end = chunk.find(b"\n")
        if end >= 0:
            offset = at + end + 1
            return (), _Position(offset=offset, line=position.line + 1), 1, True
        at += len(chunk)
        more = len(chunk) == _READ_BYTES
    return (), msgspec.structs.replace(position, passed=at - position.offset), 0, more
