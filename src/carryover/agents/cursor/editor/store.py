"""What is asked of the editor's database: by key or by a range of keys, never by a pattern and never all values.

The tables keep `key` unique and replace a row that is written again, which gives it a new rowid (inferred from their
DDL): the newest rowids are what was written last.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from carryover.agents.cursor.editor.wire import Head, items_of, name_of, struct_of, time_of
from carryover.readers import sqlite
from carryover.records import rawjson
from carryover.records.identity import digest

MAX_COMPOSER_BYTES: Final = 64 << 20
MAX_BUBBLE_BYTES: Final = 8 << 20
MAX_ID_CHARS: Final = 100

_MANY_ROWS: Final = 20_000
_COMPOSER: Final = "composerData:"
_BUBBLE: Final = "bubbleId:"
_LIST: Final = "composer.composerHeaders"
_ITEM: Final = "SELECT value FROM ItemTable WHERE key = ?"
_VALUE: Final = "SELECT value FROM cursorDiskKV WHERE key = ?"
_HEAD: Final = "SELECT value FROM composerHeaders WHERE composerId = ?"


class HeadList(msgspec.Struct, frozen=True, rename="camel"):
    """`composer.composerHeaders` of early 2026, and `composer.composerData` of a workspace in 2025."""

    all_composers: msgspec.Raw = rawjson.ABSENT


class Store:
    """One look into a database. Nothing here raises but SQLite's errors, and TooLarge where it says so."""

    def __init__(self, db: sqlite.Connection) -> None:
        self._db = db
        names = sqlite.tables(db)
        self.has_values = "cursorDiskKV" in names
        self._has_items = "ItemTable" in names
        columns = self._columns() if "composerHeaders" in names else set()
        self._has_heads = {"composerId", "lastUpdatedAt", "value"} <= columns
        self._tells_subagents = self._has_heads and "isSubagent" in columns
        self._listed: dict[str, Head] | None = None

    def newest_row(self) -> tuple[int, int]:
        """The highest rowid, and a digest of that row: the number of one that was deleted is given again."""
        row = self._db.execute("SELECT rowid, key FROM cursorDiskKV ORDER BY rowid DESC LIMIT 1").fetchone()
        if row is None:
            return 0, 0
        key = sqlite.text_of(row[1]) or ""
        told = key
        if _composer_in(key):
            try:
                told = f"{key} {digest(self._value(key, MAX_BUBBLE_BYTES) or b'')}"
            except sqlite.TooLarge:
                told = key
        return row[0], int(digest(told)[:12], 16)

    def schema(self) -> int:
        """SQLite's count of changes to the schema. VACUUM, which numbers rows anew, counts as one."""
        row = self._db.execute("PRAGMA schema_version").fetchone()
        return int(row[0])

    def written_since(self, rowid: int, newest: int) -> dict[str, frozenset[str]]:
        """The conversations of rows from `rowid` on, what was written last first, and which of their bubbles."""
        if newest - rowid <= _MANY_ROWS:
            rows = self._db.execute("SELECT key FROM cursorDiskKV WHERE rowid >= ? ORDER BY rowid DESC", (rowid,))
            keys = [key for (key,) in rows]
        else:
            found = [
                row
                for prefix in (_COMPOSER, _BUBBLE)
                for row in self._db.execute(  # `+` keeps SQLite from walking the rows with their values
                    "SELECT rowid, key FROM cursorDiskKV WHERE key >= ? AND key < ? AND +rowid >= ?",
                    (*_range(prefix), rowid),
                )
            ]
            keys = [key for _, key in sorted(found, reverse=True)]
        written: dict[str, set[str]] = {}
        for key in keys:
            text = sqlite.text_of(key) or ""
            if ident := _composer_in(text):
                written.setdefault(ident, set()).add(text.partition(":")[2].partition(":")[2])
        return {ident: frozenset(bubbles) for ident, bubbles in written.items()}

    def composers(self) -> list[tuple[int, str]]:
        """Rowid and id of every conversation, from the index of keys alone."""
        rows = self._db.execute("SELECT rowid, key FROM cursorDiskKV WHERE key >= ? AND key < ?", _range(_COMPOSER))
        named = ((rowid, _composer_in(sqlite.text_of(key) or "")) for rowid, key in rows)
        return [(rowid, ident) for rowid, ident in named if ident]

    def bubble_ids(self, ident: str) -> list[str]:
        """Those of its bubbles that have a row, listed or not, from the index of keys alone."""
        prefix = f"{_BUBBLE}{ident}:"
        rows = self._db.execute("SELECT key FROM cursorDiskKV WHERE key >= ? AND key < ?", _range(prefix))
        return [(sqlite.text_of(key) or "").removeprefix(prefix) for (key,) in rows]

    def composer(self, ident: str) -> bytes | None:
        """A conversation; raises TooLarge."""
        return self._value(f"{_COMPOSER}{ident}", MAX_COMPOSER_BYTES)

    def bubble(self, ident: str, bubble_id: str) -> bytes | None:
        """A bubble of it; raises TooLarge."""
        return self._value(f"{_BUBBLE}{ident}:{bubble_id}", MAX_BUBBLE_BYTES)

    @property
    def has_list(self) -> bool:
        """There is a list of conversations in this database; otherwise only those of the workspaces have one."""
        return self._has_heads or bool(self._list())

    def head(self, ident: str) -> Head | None:
        """What the list of conversations says of one."""
        if not self._has_heads:
            return self._list().get(ident)
        try:
            value = sqlite.value_at(self._db, _HEAD, ident, limit=MAX_BUBBLE_BYTES)
        except sqlite.TooLarge:
            return None
        head = struct_of(value, Head) if value is not None else None
        if head is not None and bytes(head.subagent_info) == b"null" and self._is_subagent(ident):
            return msgspec.structs.replace(head, subagent_info=msgspec.Raw(b"{}"))
        return head

    def updated(self, since_ms: int = 0) -> dict[str, int]:
        """When the listed conversations last changed, as far as that is `since_ms` or later."""
        if self._has_heads:
            rows = self._db.execute(
                "SELECT composerId, lastUpdatedAt FROM composerHeaders WHERE lastUpdatedAt >= ?", (since_ms,)
            )
            named = ((sqlite.text_of(ident) or "", at) for ident, at in rows)
            return {ident: at for ident, at in named if _is_id(ident) and isinstance(at, int)}
        times = ((ident, time_of(head.last_updated_at)) for ident, head in self._list().items())
        return {ident: at for ident, at in times if at >= since_ms}

    def _is_subagent(self, ident: str) -> bool:
        if not self._tells_subagents:
            return False
        row = self._db.execute("SELECT isSubagent FROM composerHeaders WHERE composerId = ?", (ident,)).fetchone()
        return row is not None and row[0] == 1

    def _list(self) -> dict[str, Head]:
        if self._listed is None:
            self._listed = heads_in(item(self._db, _LIST)) if self._has_items and not self._has_heads else {}
        return self._listed

    def _value(self, key: str, limit: int) -> bytes | None:
        return sqlite.value_at(self._db, _VALUE, key, limit=limit)

    def _columns(self) -> set[str]:
        return {sqlite.text_of(row[1]) or "" for row in self._db.execute("PRAGMA table_info(composerHeaders)")}


def item(db: sqlite.Connection, key: str) -> bytes | None:
    """A value of the editor's own settings table; None too where it is too large."""
    try:
        return sqlite.value_at(db, _ITEM, key, limit=MAX_COMPOSER_BYTES)
    except sqlite.TooLarge:
        return None


def heads_in(data: bytes | None) -> dict[str, Head]:
    """The entries of a list of conversations, by id."""
    listed = struct_of(data, HeadList) if data is not None else None
    if listed is None:
        return {}
    heads: Iterable[Head | None] | None = rawjson.part_of(listed.all_composers, list[Head])
    if heads is None:  # one that is no object must not hide the others
        heads = (rawjson.part_of(entry, Head) for entry in items_of(listed.all_composers) or ())
    named = ((name_of(head.composer_id), head) for head in heads if head is not None)
    return {ident: head for ident, head in named if _is_id(ident)}


def _range(prefix: str) -> tuple[str, str]:
    return prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1)


def _composer_in(key: str) -> str:
    """The conversation that a row belongs to, empty where it belongs to none."""
    for prefix in (_COMPOSER, _BUBBLE):
        if key.startswith(prefix):
            ident = key.removeprefix(prefix).partition(":")[0]
            return ident if _is_id(ident) else ""
    return ""


def _is_id(ident: str) -> bool:
    return 0 < len(ident) <= MAX_ID_CHARS
