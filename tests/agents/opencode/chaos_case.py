"""opencode under chaos: as in the matrix, but no two databases give the same ids: not one that takes the place of
another, nor those of two machines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final
from zlib import crc32

from agents.opencode import matrix_case
from agents.opencode.matrix_case import RowsPlayed
from agents.opencode.stores import LATEST, WITHOUT_EVENTS, Client
from matrix.tool import Played

TRAITS: Final[frozenset[str]] = frozenset()

_made: Final[dict[Path, int]] = {}
"""How many databases there have been, by path."""


class ManyDatabasesPlayed(RowsPlayed):
    """See `matrix.tool.Played`."""

    def _write(self, change: Callable[[Client], str]) -> str:
        if not self._path.exists():
            _made[self._path] = _made.get(self._path, 0) + 1
        with self.CLIENT(self._path, self._version) as client:
            client.salt = crc32(f"{self._path} {_made[self._path]}".encode())
            return change(client)


def _plays(version: str) -> Callable[[Path, Path, datetime], Played]:
    return lambda home, folder, now: ManyDatabasesPlayed(version, home, folder, now)


_VERSIONS: Final = (LATEST, WITHOUT_EVENTS)
TOOLS = tuple(replace(tool, play=_plays(version)) for tool, version in zip(matrix_case.TOOLS, _VERSIONS, strict=True))
