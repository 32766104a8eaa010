"""opencode in a generated history: its database stays open for a whole session."""

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
            self._client = self.CLIENT(self._path, self._version)
        return change(self._client)


def plays(version: str, kind: type[OneClientPlayed] = OneClientPlayed) -> Callable[[Path, Path, datetime], object]:
    """A session of one client, which closes its database at the end."""

    @contextmanager
    def play(home: Path, folder: Path, now: datetime) -> Iterator[Played]:
        played = kind(version, home, folder, now)
        try:
            yield played
        finally:
            played.close()

    return play


PLAYS: Final = {"opencode": plays(LATEST), "opencode-1.2": plays(WITHOUT_EVENTS)}
