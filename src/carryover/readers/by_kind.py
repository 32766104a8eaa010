"""Reads sources of several kinds, each with the reader of its kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from carryover.adapter.contract import Batch, FileStat, Reader


class ReaderByKind:
    """Hands each source to the reader that `reader_of` gives for its path (see `carryover.adapter.contract.Reader`).

    `reader_of` raises OSError for a path that is no source.
    """

    def __init__(self, reader_of: Callable[[Path], Reader]) -> None:
        self._reader_of = reader_of

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Reads on from `cursor` with the reader of the kind that `path` is."""
        return self._reader_of(path).read(path, cursor)

    def stat(self, path: Path) -> FileStat:
        """Returns the stat by which that reader knows whether `path` changed."""
        return self._reader_of(path).stat(path)
