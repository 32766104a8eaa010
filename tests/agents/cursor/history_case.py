"""Cursor in a generated history: a conversation is written once, at its end, and not again with each step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from agents.cursor.matrix_case import EditorPlayed
from agents.cursor.stores import Bubble, EditorStore
from matrix.tool import Played


class WholeEditorPlayed(EditorPlayed):
    """See `matrix.tool.Played`."""

    def _put(self, bubble: Bubble, *, status: str | None = None) -> None:
        self._chat = self._chat.with_bubbles(bubble, status=status or self._chat.status)

    def save(self) -> None:
        """Write the conversation."""
        with closing(EditorStore(self._user)) as store:
            store.put(self._chat)


@contextmanager
def _editor(home: Path, folder: Path, now: datetime) -> Iterator[Played]:
    played = WholeEditorPlayed(home, folder, now)
    yield played
    played.save()


PLAYS: Final = {"cursor": _editor}
