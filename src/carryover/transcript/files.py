"""Opens regular files such that nothing put in their place can make a reader hang."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from carryover.adapter.contract import FileStat
from carryover.fsio import open_regular, stat_regular
from carryover.transcript.bounds import LOOK_BYTES, TOO_LONG, TooLarge, has_many_values, most_bytes, note_bytes

SQLITE: Final = b"SQLite format 3\0"
"""First bytes of a SQLite database."""
_MOST_ENTRIES: Final = 100_000

_T = TypeVar("_T")


def state_in(cursor: bytes | None, kind: type[_T]) -> _T | None:
    """Returns what a reader's cursor holds; None without a cursor or for one of another form."""
    try:
        return msgspec.msgpack.decode(cursor or b"", type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def stamp_of_file(path: Path | str) -> FileStat:
    """Returns the size and time of a file. Raises as `stat_regular` does."""
    status = stat_regular(path)
    return FileStat(status.st_size, status.st_mtime_ns)


def with_others(stamp: FileStat, others: Iterable[Path]) -> FileStat:
    """Returns the stamp of a file with those of others, whose change is a change of it. One may be missing."""
    for other in others:
        with suppress(OSError):
            found = stamp_of_file(other)
            stamp = FileStat(stamp.size + found.size, max(stamp.mtime_ns, found.mtime_ns))
    return stamp


def read_document(path: Path) -> bytes:
    """Returns the content of a JSON document, or of lines, that can only be read as a whole.

    Raises as `open_regular` does, and TooLarge if it is more than one look may load, or has too many values.
    """
    data = _loaded(path, LOOK_BYTES + 1)
    if len(data) > LOOK_BYTES:
        raise TooLarge(TOO_LONG)
    if has_many_values(data):
        raise TooLarge
    return data


def read_beside(path: Path, *, limit: int = LOOK_BYTES) -> bytes:
    """Returns the content of a document that only adds to its source; empty if it can't be read, or is more."""
    with suppress(OSError, ValueError):
        data = _loaded(path, limit + 1)
        return data if len(data) <= limit and not has_many_values(data) else b""
    return b""


def read_referenced(path: Path) -> bytes:
    """Returns the content of a document that another file of its source names.

    Raises OSError: EAGAIN if it is not there. Its writer has replaced it by another meanwhile, so the source is not
    gone.
    """
    try:
        return read_document(path)
    except FileNotFoundError as error:
        raise OSError(errno.EAGAIN, "being written", str(path)) from error


def read_head(path: Path, limit: int) -> bytes:
    """Returns the first bytes of a file, at most `limit`. Raises as `open_regular` does, and TooLarge."""
    return _loaded(path, limit)


def read_tail(path: Path, limit: int) -> bytes:
    """Returns the last bytes of a file, at most `limit`. Raises as `open_regular` does, and TooLarge."""
    return _loaded(path, limit, at_end=True)


def read_from(path: Path, offset: int, limit: int) -> bytes:
    """Returns the bytes of a file from `offset` on, at most `limit`. Raises as `open_regular` does, and TooLarge."""
    return _loaded(path, limit, offset=offset)


def _loaded(path: Path, limit: int, *, offset: int = 0, at_end: bool = False) -> bytes:
    """Returns the bytes of a file from `offset` on, or its last ones, as one more look at it."""
    with os.fdopen(open_regular(path), "rb") as file:
        file.seek(offset)
        if at_end:
            file.seek(max(0, os.fstat(file.fileno()).st_size - limit))
        data = file.read(most_bytes(limit))
    note_bytes(len(data))
    return data


def entries_of(folder: Path | str) -> list[os.DirEntry[str]]:
    """Returns entries of a folder, unsorted, `_MOST_ENTRIES` at most; none if it is no folder or may not be read."""
    try:
        with os.scandir(folder) as entries:
            return list(islice(entries, _MOST_ENTRIES))
    except OSError:
        return []
