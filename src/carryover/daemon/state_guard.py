"""Notices if the state folder is removed from under a running daemon.

Such a daemon would write into deleted files while a second one starts beside it. It ends instead, and the service
manager starts it again with a new folder; transcripts are read again from the beginning.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from carryover.errors import UserError

CHECK_S: Final = 2.0
_SQLITE_HEADER_BYTES: Final = 100

Identity = tuple[int, int]


class StateTakenAway(UserError):
    """The state folder, its lock or its ledger is no longer the one that the daemon opened."""


class StateGuard:
    """Remembers which files the daemon has open, by device and inode."""

    def __init__(self, paths: Iterable[Path], *, ledger: Path) -> None:
        """Raises OSError if one of `paths` does not exist."""
        self._opened = {path: _identity(path) for path in (*paths, ledger)}
        self._ledger = ledger

    def check(self) -> None:
        """Raises StateTakenAway if one of the files is gone or was replaced, or if the ledger was truncated."""
        for path, opened in self._opened.items():
            try:
                same = _identity(path) == opened
                emptied = path == self._ledger and path.stat().st_size < _SQLITE_HEADER_BYTES
            except FileNotFoundError:
                same, emptied = False, False
            except OSError:  # permissions may come back, and the files are still open
                continue
            if not same or emptied:
                raise StateTakenAway(
                    f"{path} was removed, replaced or emptied while carryoverd was running. It stops now; what its "
                    "next start does not find, it reads again from the transcripts."
                )

    async def run(self) -> None:
        """Checks every `CHECK_S`. Raises StateTakenAway."""
        while True:
            await asyncio.sleep(CHECK_S)
            self.check()


def _identity(path: Path) -> Identity:
    found = path.stat()
    return found.st_dev, found.st_ino
