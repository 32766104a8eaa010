"""Windsurf in a generated history: what its hooks would have handed over is in the spool, as a daemon had kept it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from agents.windsurf.matrix_case import CascadePlayed
from agents.windsurf.talks import put, spool_of
from matrix.tool import Played


class KeptPlayed(CascadePlayed):
    """See `matrix.tool.Played`."""

    def say(self, text: str) -> None:
        self._talk.say(text)
        self._talk.name_transcript(self._path)

    def save(self, state: Path) -> None:
        """Write the transcript and the spool."""
        put(self._path, self._talk.transcript())
        put(spool_of(state) / f"{self._talk.id}.jsonl", self._talk.spooled())

    def _hand_over(self) -> None:
        """There is no daemon that takes it."""


@contextmanager
def _play(home: Path, folder: Path, now: datetime) -> Iterator[Played]:
    played = KeptPlayed(home, folder, now)
    yield played
    played.save(home / ".carryover")


PLAYS: Final = {"windsurf": _play}
