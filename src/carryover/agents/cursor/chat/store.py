"""The rows of a `store.db`: `meta`, and `blobs` by id."""

from __future__ import annotations

from typing import Final

from carryover.agents.cursor.chat import blobs as chat_blobs
from carryover.readers.sqlite import Connection

MAX_BLOB_BYTES: Final = 8 << 20
"""A larger message is passed by and counted."""
MAX_ROOT_BYTES: Final = 64 << 20


class Store:
    """One look into a `store.db`."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def meta(self) -> bytes | None:
        """The value of the one row of `meta`; None where there is none yet."""
        row = self._db.execute("SELECT value FROM meta WHERE key = '0'").fetchone()
        return None if row is None else row[0] if isinstance(row[0], bytes) else b""

    def blob(self, ident: str, limit: int = MAX_BLOB_BYTES) -> bytes | int | None:
        """A blob, its length where that is more than `limit`, or None where there is none."""
        row = self._db.execute(
            "SELECT length(data), CASE WHEN length(data) <= ? THEN data END FROM blobs WHERE id = ?", (limit, ident)
        ).fetchone()
        if row is None or not isinstance(row[0], int):
            return None
        return row[1] if isinstance(row[1], bytes) else row[0] if row[0] > limit else b""

    def node(self, ident: str) -> bytes | None:
        """A blob that is no message, None where it is one or missing."""
        row = self._db.execute("SELECT substr(data, 1, 64) FROM blobs WHERE id = ?", (ident,)).fetchone()
        if row is None or not isinstance(row[0], bytes) or chat_blobs.is_json(row[0]):
            return None
        blob = self.blob(ident, MAX_ROOT_BYTES)
        return blob if isinstance(blob, bytes) else None
