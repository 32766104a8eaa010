"""Reads the database of an agent: for each session the entries that pi would write as lines of a file.

A row is one entry, written once. A transcript that the client writes again gets another `generation`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import msgspec

from carryover.records.lenient import fields_of, text_of
from carryover.transcript import sqlite
from carryover.transcript.bounds import TooLarge
from carryover.transcript.rewritten import MAX_CONVERSATIONS, Document, stored_session
from carryover.transcript.stored import EntryRecord, StoredFacts, entry_of

EVENTS: Final = "transcript_events"
_MOST_STEPS: Final = 10
"""Most sessions above a sub-agent, or before one that took their place, that are gone through."""
_AFRESH: Final = ("initial", "reset", "rollover")
"""Why a session begins that goes on with nothing of the one before it (code)."""

# The first is answered from an index.
_MARKS: Final = "SELECT session_id, max(rowid), count(*) FROM transcript_events GROUP BY session_id"
_REWRITES: Final = "SELECT session_id, generation FROM transcript_rewrite_watermarks"
_ROWS: Final = "SELECT rowid, seq FROM transcript_events WHERE session_id = ? ORDER BY seq"
_ENTRY: Final = "SELECT event_json, created_at, {zstd} FROM transcript_events WHERE rowid = ?"
_WINDOWS: Final = (
    "SELECT w.session_id, w.session_key, w.created_at, w.spawned_by, w.previous_session_id, w.reason,"
    " n.fork_source_session_id, n.label, n.display_name, n.current_session_id = w.session_id"
    " FROM session_windows w JOIN session_nodes n ON n.session_key = w.session_key ORDER BY w.created_at"
)


class Line(msgspec.Struct, frozen=True):
    """An entry as pi's parser reads it."""

    line: msgspec.Raw


RECORD: Final = msgspec.json.Decoder(EntryRecord[Line])


class _Window(msgspec.Struct, frozen=True):
    """A session. One `key` has several after each other.

    `above`: the key of the session that began a sub-agent. `before`: the session that it takes the place of, since one
    in which the user took something back gets another id. `copied_from`: the one that it was forked from.
    """

    id: str
    key: str
    begun_ms: int
    above: str
    before: str
    copied_from: str
    title: str


class Database:
    """A snapshot of the database; see `carryover.transcript.rewritten.Snapshot`."""

    def __init__(self, db: sqlite.Connection, _path: Path, _now_ms: int) -> None:
        self._db = db
        self._tables = sqlite.tables(db)
        self._windows: dict[str, _Window] = {}
        if {"session_windows", "session_nodes"} <= self._tables:  # since schema 14
            self._windows = {found.id: found for found in map(_window, sqlite.rows(db, _WINDOWS))}
        self._written = self._rewrites()
        is_packed = EVENTS in self._tables and sqlite.has_column(db, EVENTS, "event_zstd")  # since schema 23
        self._entry = _ENTRY.format(zstd="event_zstd" if is_packed else "NULL")

    def conversations(self) -> list[tuple[str, str]]:
        """Returns the sessions, most recently changed first."""
        if EVENTS not in self._tables:
            return []
        replaced = {window.before for window in self._windows.values()}
        marks = sorted(sqlite.rows(self._db, _MARKS), key=lambda found: -found[1])[:MAX_CONVERSATIONS]
        named = [(sqlite.column_text(ident), *rest) for ident, *rest in marks]
        return [
            (ident, f"{rest} {self._written.get(ident)} {self._windows.get(ident)}")
            for ident, *rest in named
            if ident not in replaced
        ]

    def conversation(self, ident: str, notes: dict[str, str]) -> Document:  # noqa: ARG002
        """Returns a session with its entries."""
        rows = sqlite.rows(self._db, _ROWS, (ident,))
        header = fields_of(self._line(rows[0])[0]) if rows else {}
        session = msgspec.structs.replace(self._facts(ident), directory=text_of(header.get("cwd")) or None)

        def record(_number: int, row: tuple[int, int]) -> bytes:
            line, at_ms = self._line(row)
            return entry_of(session, Line(msgspec.Raw(line)), at_ms)

        pieces = [(str(seq), f"{rowid} {self._written.get(ident)}") for rowid, seq in rows]
        window = self._windows.get(ident)
        return stored_session(session, rows, record, pieces, at_ms=window.begun_ms if window is not None else 0)

    def _line(self, row: tuple[int, int]) -> tuple[bytes, int]:
        """Returns an entry and its time."""
        [(text, at_ms, packed)] = sqlite.rows(self._db, self._entry, (row[0],))
        text = _unpacked(packed) if isinstance(packed, bytes) else text
        return sqlite.column_text(text).encode(), at_ms if isinstance(at_ms, int) and at_ms > 0 else 0

    def _rewrites(self) -> dict[str, str]:
        if "transcript_rewrite_watermarks" not in self._tables:  # since schema 13
            return {}
        return {sqlite.column_text(ident): sqlite.column_text(mark) for ident, mark in sqlite.rows(self._db, _REWRITES)}

    def _facts(self, ident: str) -> StoredFacts:
        window = self._windows.get(ident)
        if window is None:
            return StoredFacts(id=ident)
        root = window
        for _ in range(_MOST_STEPS):
            above = [one for one in self._windows.values() if one.key == root.above and one.begun_ms <= root.begun_ms]
            if not above:
                break
            root = above[-1]
        name = self._name(window)
        source = self._windows.get(window.copied_from)  # None if it was deleted: then what was copied counts as its own
        return StoredFacts(
            id=ident,
            name=name if name != ident else "",
            root=self._name(root) if root is not window else None,
            forked_from=self._name(source) if source is not None else None,
            title=window.title or None,
        )

    def _name(self, window: _Window) -> str:
        """Returns the id of the first session that one takes the place of, by way of those between; else its own."""
        for _ in range(_MOST_STEPS):
            before = self._windows.get(window.before)
            if before is None:
                break
            window = before
        return window.id


def _window(row: tuple[object, ...]) -> _Window:
    """Returns a session of the columns that `_WINDOWS` names."""
    text = sqlite.column_text
    ident, key, begun_ms, above, before, reason, source, label, shown, is_current = row
    named_by_key = text(shown) == text(key).rpartition(":")[2]
    title = text(label) or ("" if named_by_key else text(shown)) if is_current else ""
    replaced = "" if text(reason) in _AFRESH else text(before)
    at_ms = begun_ms if isinstance(begun_ms, int) else 0
    return _Window(text(ident), text(key), at_ms, text(above), replaced, text(source), title[:1000])


def _unpacked(packed: bytes) -> bytes:
    """Returns the text of an entry that is compressed: one of 1 KiB to 4 MiB (2026.9.6). Raises TooLarge."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd  # not above: commands that only look at what is there don't need it

    decompressor = zstd.ZstdDecompressor()
    try:
        text: bytes = decompressor.decompress(packed, sqlite.LONGEST_VALUE)
    except zstd.ZstdError:
        return b""
    if not decompressor.eof:
        raise TooLarge
    return text
