"""The rows of one session: its messages and their parts."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final, NamedTuple

import msgspec

from carryover.readers import sqlite

# The role is among the first fields; of the others of a prompt, the changed files can be long.
_BY_USER: Final = 'instr(substr(data, 1, 2000), \'"role":"user"\') > 0'
_MESSAGES: Final = "FROM message WHERE session_id = ? ORDER BY time_created, id"
_MESSAGE: Final = "SELECT data FROM message WHERE id = ?"
_PART_ROWS: Final = "SELECT message_id, id, time_updated FROM part WHERE session_id = ?"
_PARTS: Final = "SELECT id FROM part WHERE message_id = ? ORDER BY id"
_PART: Final = "SELECT data FROM part WHERE id = ?"


class Row(msgspec.Struct, frozen=True):
    """A message or a part as its table lists it, without its content, which changes with `updated_ms`."""

    id: str
    updated_ms: int
    created_ms: int = 0
    """Time of a message in UTC milliseconds."""
    by_user: bool = False


class StoredPart(NamedTuple):
    """A part and its content; None if it is too large to be read."""

    id: str
    data: bytes | None


class StoredSession:
    """The messages of one session."""

    def __init__(self, db: sqlite.Connection, session: str) -> None:
        self._db, self._session = db, session

    def message_rows(self) -> list[Row]:
        """Returns the messages, oldest first."""
        try:
            found = self._messages(_BY_USER)
        except sqlite.TooLarge:
            found = [(*row[:3], self._is_by_user(text(row[0]))) for row in self._messages("NULL")]
        return [
            Row(text(ident), whole(updated), whole(created), bool(by_user))
            for ident, created, updated, by_user in found
        ]

    def part_rows(self) -> dict[str, list[Row]]:
        """Returns each message's parts, oldest first, by message id."""
        found: dict[str, list[Row]] = {}
        for message, ident, updated in self._db.execute(_PART_ROWS, (self._session,)):
            found.setdefault(text(message), []).append(Row(text(ident), whole(updated)))
        for parts in found.values():
            parts.sort(key=lambda part: part.id)
        return found

    def _messages(self, by_user: str) -> list[tuple[Any, ...]]:
        return sqlite.rows(self._db, f"SELECT id, time_created, time_updated, {by_user} {_MESSAGES}", (self._session,))

    def _is_by_user(self, ident: str) -> bool:
        with suppress(sqlite.TooLarge):
            return bool(sqlite.rows(self._db, f"SELECT {_BY_USER} FROM message WHERE id = ?", (ident,))[0][0])
        return False

    def message(self, ident: str) -> bytes | None:
        """Returns a message's content. Raises TooLarge."""
        return sqlite.value_at(self._db, _MESSAGE, ident)

    def parts(self, message: str) -> list[StoredPart]:
        """Returns a message's parts, oldest first."""
        return [self._part(text(ident)) for (ident,) in self._db.execute(_PARTS, (message,))]

    def _part(self, ident: str) -> StoredPart:
        with suppress(sqlite.TooLarge):
            return StoredPart(ident, sqlite.value_at(self._db, _PART, ident))
        return StoredPart(ident, None)


def text(value: object) -> str:
    """Returns the text in a column; empty if it holds none."""
    return sqlite.text_of(value) or ""


def whole(value: object) -> int:
    """Returns the whole number in a column; 0 if it holds none."""
    return value if isinstance(value, int) else 0
