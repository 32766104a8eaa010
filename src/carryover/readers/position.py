"""A position in a file that grows by lines, with hashes that show whether it is still the same file."""

from __future__ import annotations

import os
from typing import Final

import msgspec

HEAD_BYTES: Final = 1000
TAIL_BYTES: Final = 256


class Position(msgspec.Struct, frozen=True, array_like=True):
    """Where to continue reading, and how to recognise that the file is still the same one.

    `offset` is in bytes, just after a complete line or after one that was taken before its newline came. `line` is the
    number of the last complete line. `passed` counts the bytes after `offset` that are known to belong to an oversized
    line whose end has not been seen.
    """

    offset: int = 0
    line: int = 0
    passed: int = 0
    head: bytes = b""
    """Hash of the first `HEAD_BYTES`, or of what was read if that is less."""
    tail: bytes = b""
    """Hash of the `TAIL_BYTES` before the position where reading continues."""

    @property
    def resume_at(self) -> int:
        """The byte offset at which reading continues."""
        return self.offset + self.passed


def settle(descriptor: int, cursor: bytes | None) -> tuple[Position, bool]:
    """Returns where to begin reading, and whether that is the start of a file that the cursor was not made for."""
    if cursor is None:
        return Position(), False
    position = decode(cursor)
    # A file that has become shorter has fewer bytes before the cursor, so its guards differ too.
    if position is None or _guards(descriptor, position) != (position.head, position.tail):
        return Position(), True
    return position, False


def decode(cursor: bytes) -> Position | None:
    """Returns the position in a cursor; None for a cursor of another form."""
    try:
        return msgspec.msgpack.decode(cursor, type=Position)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _guards(descriptor: int, position: Position) -> tuple[bytes, bytes]:
    end = position.resume_at
    start = max(0, end - TAIL_BYTES)
    return _hash(os.pread(descriptor, min(HEAD_BYTES, end), 0)), _hash(os.pread(descriptor, end - start, start))


def _hash(data: bytes) -> bytes:
    import hashlib  # loads OpenSSL, which commands that only list transcripts don't need

    return hashlib.blake2b(data, digest_size=16).digest()


def guarded(descriptor: int, position: Position) -> Position:
    """Returns the position with the hashes by which the file is recognised."""
    head, tail = _guards(descriptor, position)
    return msgspec.structs.replace(position, head=head, tail=tail)
