"""Reads `opencode.db`, one database for all projects, in which the rows of a running answer change.

Tables with accounts and credentials are never read. Changes are found by each session's time and, in the newest
sessions, by the last message, since a session's time is not updated with each part.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Batch, FileStat
from carryover.agents.opencode.stored import StoredSession, text, whole
from carryover.agents.opencode.talk import Talk, revert_in
from carryover.agents.opencode.wire import MOST_PARENTS, Session, is_usable_id
from carryover.readers import sqlite
from carryover.readers.rewritten import MAX_CONVERSATIONS, read_on
from carryover.readers.stat_cache import utc_now_ms
from carryover.records.fields import digest

LIVE_SESSIONS: Final = 100
"""How many of the newest sessions have their last message compared as well."""

_NEEDED: Final = {
    "session": {"id", "parent_id", "directory", "title", "version", "time_created", "time_updated", "revert"},
    "message": {"id", "session_id", "time_created", "time_updated", "data"},
    "part": {"id", "message_id", "session_id", "time_updated", "data"},
}
_SESSION: Final = "SELECT id, parent_id, directory, title, version, time_created, time_updated, revert FROM session"
_NEWEST: Final = "ORDER BY time_updated DESC, id LIMIT ?"
_LAST_MESSAGE: Final = (
    "SELECT id, time_updated FROM message WHERE session_id = ? ORDER BY time_created DESC, id DESC LIMIT 1"
)
_LAST_PARTS: Final = "SELECT count(*), max(time_updated) FROM part WHERE message_id = ?"
_COPIED: Final = "SELECT 1 FROM message WHERE session_id = ? AND time_created = ? LIMIT 1"


class DatabaseReader:
    """Reads the database; see `carryover.adapter.contract.Reader`."""

    def __init__(self, now_ms: Callable[[], int] = utc_now_ms) -> None:
        self._now_ms = now_ms

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Reads what changed, newest sessions first. Raises as `readers.sqlite.read_transaction` does."""
        now_ms = self._now_ms()
        return sqlite.read_database(path, lambda db: read_on(Database(db, now_ms), cursor, now_ms=now_ms))

    def stat(self, path: Path) -> FileStat:
        """Returns the size and time of the database and its WAL."""
        return sqlite.stat(path)


class Database:
    """A snapshot of the database; see `carryover.readers.rewritten.Snapshot`."""

    def __init__(self, db: sqlite.Connection, now_ms: int) -> None:
        self._db, self._now_ms = db, now_ms
        self._tables = sqlite.tables(db)
        self._is_known = all(columns <= self._columns(table) for table, columns in _NEEDED.items())
        self._sessions = self._read_sessions() if self._is_known else {}

    def conversations(self) -> list[tuple[str, str]]:
        """Returns the sessions, most recently changed first."""
        marks = []
        for number, (ident, row) in enumerate(self._sessions.items()):
            live = self._tail(ident) if number < LIVE_SESSIONS else ""
            shown = digest(f"{row.session.title} {row.revert}")
            marks.append((ident, f"{row.updated_ms} {shown} {live}"))
        return marks

    def conversation(self, ident: str, notes: dict[str, str]) -> Talk | None:  # noqa: ARG002
        """Returns a session with its messages."""
        row, stored = self._sessions[ident], StoredSession(self._db, ident)
        root = self._root_of(row.session.root)
        parent = self._forked_from(row, stored) if root is None else None
        return Talk(
            store=stored,
            session=msgspec.structs.replace(row.session, root=root, forked_from=parent),
            now_ms=self._now_ms,
            created_ms=row.created_ms,
            revert=row.revert,
        )

    def _columns(self, table: str) -> set[str]:
        if table not in self._tables:
            return set()
        return {text(row[1]) for row in self._db.execute(f"PRAGMA table_info({table})")}

    def _read_sessions(self) -> dict[str, _SessionRow]:
        try:
            found = sqlite.rows(self._db, f"{_SESSION} {_NEWEST}", (MAX_CONVERSATIONS,))
        except sqlite.TooLarge:
            found = self._readable_sessions()
        rows = map(_SessionRow, found)
        return {row.session.id: row for row in rows if is_usable_id(row.session.id)}

    def _readable_sessions(self) -> list[tuple[object, ...]]:
        """The rows of the sessions without those that hold a text of that length."""
        found: list[tuple[object, ...]] = []
        for (ident,) in sqlite.rows(self._db, f"SELECT id FROM session {_NEWEST}", (MAX_CONVERSATIONS,)):
            with suppress(sqlite.TooLarge):
                found += sqlite.rows(self._db, f"{_SESSION} WHERE id = ?", (text(ident),))
        return found

    def _tail(self, session: str) -> str:
        last = self._db.execute(_LAST_MESSAGE, (session,)).fetchone()
        if last is None:
            return ""
        count, updated = self._db.execute(_LAST_PARTS, (last[0],)).fetchone()
        return f"{text(last[0])} {last[1]} {count} {updated}"

    def _root_of(self, parent: str | None) -> str | None:
        """Returns the topmost session that a sub-agent works for; None for a session without a parent."""
        for _ in range(MOST_PARENTS):
            above = self._sessions.get(parent or "")
            if above is None or above.session.root is None:
                break
            parent = above.session.root
        return parent

    def _forked_from(self, row: _SessionRow, stored: StoredSession) -> str | None:
        """Returns the session that this one copied messages from. Copies keep their time but get new ids."""
        first = next(iter(stored.message_rows()), None)
        if first is None or first.created_ms >= row.created_ms:
            return None
        older = (
            other
            for other in self._sessions.values()
            if other.session.root is None and other is not row and other.created_ms <= first.created_ms
        )
        return next(
            (
                other.session.id
                for other in older
                if self._db.execute(_COPIED, (other.session.id, first.created_ms)).fetchone() is not None
            ),
            None,
        )


class _SessionRow:
    """A row of the session table."""

    __slots__ = ("created_ms", "revert", "session", "updated_ms")

    def __init__(self, row: tuple[object, ...]) -> None:
        ident, parent, directory, title, version, created, updated, revert = row
        self.session = Session(
            id=text(ident),
            root=text(parent) if is_usable_id(text(parent)) else None,
            directory=text(directory) or None,
            title=text(title)[:1000] or None,
            version=text(version)[:100] or None,
        )
        self.created_ms, self.updated_ms = whole(created), whole(updated)
        self.revert = revert_in(revert) if isinstance(revert, bytes) else None
