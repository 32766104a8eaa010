"""Reads `opencode.db`, one database for all projects, in which the rows of a running answer change.

Tables with accounts and credentials are never read. Changes are found by each session's time and, in the newest
sessions, by the last message, since a session's time is not updated with each part.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.adapter.contract import Batch, FileStat
from carryover.agents.opencode.talk import Row, StoredPart, Talk, revert_in
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
# The role is among the first fields; of the others of a prompt, the changed files can be long.
_BY_USER: Final = 'instr(substr(data, 1, 2000), \'"role":"user"\') > 0'
_MESSAGES: Final = "FROM message WHERE session_id = ? ORDER BY time_created, id"
_MESSAGE: Final = "SELECT data FROM message WHERE id = ?"
_PART_ROWS: Final = "SELECT message_id, id, time_updated FROM part WHERE session_id = ?"
_PARTS: Final = "SELECT id FROM part WHERE message_id = ? ORDER BY id"
_PART: Final = "SELECT data FROM part WHERE id = ?"
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
        return {_text(row[1]) for row in self._db.execute(f"PRAGMA table_info({table})")}

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
                found += sqlite.rows(self._db, f"{_SESSION} WHERE id = ?", (_text(ident),))
        return found

    def _tail(self, session: str) -> str:
        last = self._db.execute(_LAST_MESSAGE, (session,)).fetchone()
        if last is None:
            return ""
        count, updated = self._db.execute(_LAST_PARTS, (last[0],)).fetchone()
        return f"{_text(last[0])} {last[1]} {count} {updated}"

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


class StoredSession:
    """The messages of one session; see `carryover.agents.opencode.talk.Store`."""

    def __init__(self, db: sqlite.Connection, session: str) -> None:
        self._db, self._session = db, session

    def message_rows(self) -> list[Row]:
        """Returns the messages, oldest first."""
        try:
            found = self._messages(_BY_USER)
        except sqlite.TooLarge:
            found = [(*row[:3], self._is_by_user(_text(row[0]))) for row in self._messages("NULL")]
        return [
            Row(_text(ident), _whole(updated), _whole(updated), _whole(created), bool(by_user))
            for ident, created, updated, by_user in found
        ]

    def part_rows(self) -> dict[str, list[Row]]:
        """Returns each message's parts, oldest first, by message id."""
        found: dict[str, list[Row]] = {}
        for message, ident, updated in self._db.execute(_PART_ROWS, (self._session,)):
            found.setdefault(_text(message), []).append(Row(_text(ident), _whole(updated), _whole(updated)))
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
        return [self._part(_text(ident)) for (ident,) in self._db.execute(_PARTS, (message,))]

    def _part(self, ident: str) -> StoredPart:
        with suppress(sqlite.TooLarge):
            return StoredPart(ident, sqlite.value_at(self._db, _PART, ident))
        return StoredPart(ident, None)


class _SessionRow:
    """A row of the session table."""

    __slots__ = ("created_ms", "revert", "session", "updated_ms")

    def __init__(self, row: tuple[object, ...]) -> None:
        ident, parent, directory, title, version, created, updated, revert = row
        self.session = Session(
            id=_text(ident),
            root=_text(parent) if is_usable_id(_text(parent)) else None,
            directory=_text(directory) or None,
            title=_text(title)[:1000] or None,
            version=_text(version)[:100] or None,
        )
        self.created_ms, self.updated_ms = _whole(created), _whole(updated)
        self.revert = revert_in(revert) if isinstance(revert, bytes) else None


def _text(value: object) -> str:
    return sqlite.text_of(value) or ""


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
