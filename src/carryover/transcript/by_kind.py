"""Reads sources of several kinds, each with its own reader."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from pathlib import Path

from carryover.adapter.contract import Batch, FileStat, Reader


def reader_of_copies(reader: Reader) -> Reader:
    """Returns the reader to use for files that no longer grow: one that holds back what may not be complete yet has
    another, `of_copies`."""
    of_copies: Callable[[], Reader] | None = getattr(reader, "of_copies", None)
    return reader if of_copies is None else of_copies()


class ReaderByKind:
    """Hands each source to the reader of its kind (see `carryover.adapter.contract.Reader`).

    `kind_of` returns None for a path that is not a source, which raises OSError.
    """

    def __init__(self, kind_of: Callable[[Path], str | None], readers: Mapping[str, Reader]) -> None:
        self._kind_of, self._readers = kind_of, readers

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Reads the records after `cursor` with the reader for the path's kind."""
        return self._reader_of(path).read(path, cursor)

    def stat(self, path: Path) -> FileStat:
        """Returns the size and time by which the reader for this path notices changes."""
        return self._reader_of(path).stat(path)

    def of_copies(self) -> ReaderByKind:
        """Returns the same reader for files that no longer grow."""
        return ReaderByKind(self._kind_of, {kind: reader_of_copies(reader) for kind, reader in self._readers.items()})

    def _reader_of(self, path: Path) -> Reader:
        kind = self._kind_of(path)
        if kind is None:
            raise OSError(errno.EINVAL, "not a source", str(path))
        return self._readers[kind]
