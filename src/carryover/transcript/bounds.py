"""What one look at a source may take, whichever agent wrote it: a hostile or damaged store costs no more than that.

Readers get bytes of files through `transcript.files` and rows through `transcript.sqlite`, which count them here, and
lines that are appended in small parts through `transcript.jsonl`. What is more is refused with `TooLarge`: a record, a
conversation, or the source as a whole.
"""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Batch, Reader

LOOK_BYTES: Final = 64 << 20
"""Bytes of files that one look may load. What is made of them takes about twice as much again."""
RECORD_BYTES: Final = 16 << 20
"""A longer record is counted and skipped, and so is a line or value of half that size."""
MOST_VALUES: Final = 1_000_000
"""Values in a document or record: each takes memory that its bytes don't show."""
MOST_LINES: Final = 200_000
"""Lines of a file that is read as a whole."""
MOST_ROWS_BYTES: Final = 16 << 20
"""Memory that the rows of one query may take, as far as it can be known from their values."""
LOOK_S: Final = 5.0
"""Processor seconds that the queries of one look may take. The owner's disk may be slower than that."""
ENOUGH_S: Final = 2.0
"""Processor seconds after which a look that has found something ends; the next one continues from there."""

TOO_LONG: Final = f"larger than {LOOK_BYTES >> 20} MB, the most that is read at once"
TOO_MANY: Final = "more entries than are read at once"
_FEWEST_BYTES: Final = 2
"""Bytes that a value takes at least, with its comma."""


class TooLarge(OSError):
    """Something is more than its reader is willing to hold in memory or to wait for."""

    def __init__(self, why: str = TOO_MANY) -> None:
        super().__init__(errno.EFBIG, why)


class TooSlow(OSError):
    """A query takes longer than a look may."""

    def __init__(self) -> None:
        super().__init__(errno.EFBIG, f"takes longer to read than {LOOK_S:.0f} s")


class _Look(threading.local):
    """The look that this thread takes: what is left of its bytes, and when it began in the thread's processor time."""

    bytes_left: int | None = None
    began_s: float = 0.0


_look: Final = _Look()


@contextmanager
def one_look() -> Iterator[None]:
    """Counts what this thread reads in the block as one look."""
    before = _look.bytes_left, _look.began_s
    _look.bytes_left, _look.began_s = LOOK_BYTES, time.thread_time()
    try:
        yield
    finally:
        _look.bytes_left, _look.began_s = before


def most_bytes(limit: int) -> int:
    """Returns how many of `limit` bytes to load: one more than this look may, so that too many are noticed."""
    return limit if _look.bytes_left is None else min(limit, _look.bytes_left + 1)


def note_bytes(number: int) -> None:
    """Counts bytes that were loaded. Raises TooLarge if they are more than were left."""
    if _look.bytes_left is not None:
        _look.bytes_left -= number
        if _look.bytes_left < 0:
            _look.bytes_left = 0
            raise TooLarge(TOO_LONG)


def is_enough() -> bool:
    """Whether this look should end, if it has found anything."""
    return _look.bytes_left is not None and time.thread_time() - _look.began_s > ENOUGH_S


def has_many_values(data: bytes, *, most: int = MOST_VALUES, chunk: int = 1 << 20) -> bool:
    """Whether a JSON document has more values than is read at once, as its commas outside texts show.

    `chunk`: how many bytes are taken apart at a time.
    """
    if len(data) < most * _FEWEST_BYTES or data.count(b",") < most:
        return False
    # Without escapes, each quotation mark begins or ends a text.
    plain = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    found, in_text = 0, False
    for at in range(0, len(plain), chunk):
        parts = plain[at : at + chunk].split(b'"')
        found += b"".join(parts[in_text::2]).count(b",")
        if found >= most:
            return True
        in_text ^= len(parts) % 2 == 0
    return False


def lines_in(data: bytes) -> list[bytes]:
    """Returns what is between the line breaks of a file. Raises TooLarge if that is more than `MOST_LINES`."""
    if data.count(b"\n") >= MOST_LINES:
        raise TooLarge
    return data.split(b"\n")


def read_bounded(reader: Reader, path: Path, cursor: bytes | None) -> Batch:
    """Returns the next batch of a source within these bounds. Raises what the reader raises, and TooLarge."""
    with one_look():
        batch = reader.read(path, cursor)
    records = tuple(record for record in batch.records if not is_oversized(record.data))
    left_out = len(batch.records) - len(records)
    return msgspec.structs.replace(batch, records=records, oversized=batch.oversized + left_out) if left_out else batch


def is_oversized(record: bytes) -> bool:
    """Whether a record is too long to be parsed, or has too many values."""
    return len(record) > RECORD_BYTES or has_many_values(record)
