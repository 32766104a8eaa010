"""Cursor in a generated history: a conversation is written once, at its end, and not again with each step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from agents.cursor.matrix_case import ChatPlayed, EditorPlayed
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


class WholeChatPlayed(ChatPlayed):
    """See `matrix.tool.Played`."""

    def _put(self, one: dict[str, Any]) -> None:
        self._messages.append(one)

    def save(self) -> None:
        """Write the conversation."""
        super()._put(self._messages.pop())


@contextmanager
def _editor(home: Path, folder: Path, now: datetime) -> Iterator[Played]:
    played = WholeEditorPlayed(home, folder, now)
    yield played
    played.save()


@contextmanager
def _chat(home: Path, folder: Path, now: datetime) -> Iterator[Played]:
    played = WholeChatPlayed(home, folder, now)
    yield played
    played.save()


PLAYS: Final = {"cursor": _editor, "cursor-agent": _chat}
