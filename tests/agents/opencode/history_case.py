"""opencode in a generated history: its database stays open for a whole session, and reaches the disk when it can."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from agents.opencode.matrix_case import RowsPlayed
from agents.opencode.stores import LATEST, WITHOUT_EVENTS, Client
from matrix.tool import Played


class OneClientPlayed(RowsPlayed):
    """See `matrix.tool.Played`."""

    _client: Client | None = None

    def close(self) -> None:
        """End the client."""
        if self._client is not None:
            self._client.close()

    def _write(self, change: Callable[[Client], str]) -> str:
        if self._client is None:
            self._client = Client(self._path, self._version)
            self._client.db.execute("PRAGMA synchronous = OFF")
        return change(self._client)


def _plays(version: str) -> Callable[[Path, Path, datetime], object]:
    @contextmanager
    def play(home: Path, folder: Path, now: datetime) -> Iterator[Played]:
        played = OneClientPlayed(version, home, folder, now)
        try:
            yield played
        finally:
            played.close()

    return play


PLAYS: Final = {"opencode": _plays(LATEST), "opencode-1.2": _plays(WITHOUT_EVENTS)}
