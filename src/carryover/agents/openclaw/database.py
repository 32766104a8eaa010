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
"""Most sessions above a sub-agent that are gone through."""
_MOST_WINDOWS: Final = 4 * MAX_CONVERSATIONS
"""So many of the newest are told apart: a job that runs each minute leaves a session each time."""

# The first is answered from an index.
_MARKS: Final = (
    "SELECT session_id, max(rowid), count(*) FROM transcript_events GROUP BY session_id"
    f" ORDER BY max(rowid) DESC LIMIT {MAX_CONVERSATIONS}"
)
_REWRITES: Final = "SELECT session_id, generation FROM transcript_rewrite_watermarks"
_ROWS: Final = "SELECT rowid, seq FROM transcript_events WHERE session_id = ? ORDER BY seq"
_ENTRY: Final = "SELECT event_json, created_at, {zstd} FROM transcript_events WHERE rowid = ?"
_WINDOWS: Final = (
    "SELECT w.session_id, w.session_key, w.created_at, w.spawned_by, w.previous_session_id,"
    " n.fork_source_session_id, n.label, n.display_name, n.current_session_id = w.session_id"
    " FROM session_windows w JOIN session_nodes n ON n.session_key = w.session_key"
    f" ORDER BY w.created_at DESC, w.rowid DESC LIMIT {_MOST_WINDOWS}"
)
# Any session of a key names the one before it. One in which the user took something back begins with its entries,
# which are older than its own header; of those before it, rows may have been moved into an archive.
_REWOUND: Final = (
    "SELECT w.session_id FROM session_windows w"
    " JOIN transcript_events h ON h.session_id = w.session_id AND h.seq = 0"
    " JOIN transcript_events e ON e.session_id = w.session_id AND e.seq = 1 AND e.created_at < h.created_at"
    " LEFT JOIN transcript_events b ON b.session_id = w.previous_session_id AND b.seq = 1"
    " WHERE w.previous_session_id IS NOT NULL"
    " AND (b.seq IS NULL OR (b.created_at = e.created_at AND b.event_json IS e.event_json))"
)


class Line(msgspec.Struct, frozen=True):
    """An entry as pi's parser reads it."""

    line: msgspec.Raw


RECORD: Final = msgspec.json.Decoder(EntryRecord[Line])


class _Window(msgspec.Struct, frozen=True):
    """A session. One `key` has several after each other.

    `above`: the key of the session that began a sub-agent. `before`: the session that it takes the place of, since one
    in which the user took something back gets another id, and it counts as the first of them. `copied_from`: the one
    that it was forked from.
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
            rewound = {ident for (ident,) in sqlite.rows(db, _REWOUND)} if EVENTS in self._tables else set()
            found = [_window(row, is_rewound=row[0] in rewound) for row in sqlite.rows(db, _WINDOWS)]
            self._windows = {window.id: window for window in reversed(found)}  # oldest first
        self._of_key: dict[str, list[_Window]] = {}
        self._names: dict[str, str] = {}
        for ident, window in self._windows.items():
            self._of_key.setdefault(window.key, []).append(window)
            self._names[ident] = self._names.get(window.before, window.before) or ident
        self._rewrites: dict[str, str] = {}
        if "transcript_rewrite_watermarks" in self._tables:  # since schema 13
            marks = sqlite.rows(db, _REWRITES)
            self._rewrites = {sqlite.column_text(ident): sqlite.column_text(mark) for ident, mark in marks}
        is_packed = EVENTS in self._tables and sqlite.has_column(db, EVENTS, "event_zstd")  # since schema 23
        self._entry = _ENTRY.format(zstd="event_zstd" if is_packed else "NULL")

    def conversations(self) -> list[tuple[str, str]]:
        """Returns the sessions, most recently changed first."""
        if EVENTS not in self._tables:
            return []
        replaced = {window.before for window in self._windows.values()}
        named = [(sqlite.column_text(ident), *rest) for ident, *rest in sqlite.rows(self._db, _MARKS)]
        return [
            (ident, f"{rest} {self._rewrites.get(ident)} {self._windows.get(ident)}")
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

        known_as = f"{self._rewrites.get(ident)} {session.root} {session.name}"  # if it changes, all is emitted again
        pieces = [(str(seq), f"{rowid} {known_as}") for rowid, seq in rows]
        window = self._windows.get(ident)
        return stored_session(session, rows, record, pieces, at_ms=window.begun_ms if window is not None else 0)

    def _line(self, row: tuple[int, int]) -> tuple[bytes, int]:
        """Returns an entry and its time."""
        [(text, at_ms, packed)] = sqlite.rows(self._db, self._entry, (row[0],))
        text = _unpacked(packed) if isinstance(packed, bytes) else text
        return sqlite.column_text(text).encode(), at_ms if isinstance(at_ms, int) and at_ms > 0 else 0

    def _facts(self, ident: str) -> StoredFacts:
        window = self._windows.get(ident)
        if window is None:
            return StoredFacts(id=ident)
        root = window
        for _ in range(_MOST_STEPS):
            above = [one for one in self._of_key.get(root.above, ()) if one.begun_ms <= root.begun_ms]
            if not above:
                break
            root = above[-1]
        name = self._names[ident]
        source = self._names.get(window.copied_from)  # None if it was deleted: then what was copied counts as its own
        return StoredFacts(
            id=ident,
            name=name if name != ident else "",
            root=self._names[root.id] if root is not window else None,
            forked_from=source,
            title=window.title or None,
        )


def _window(row: tuple[object, ...], *, is_rewound: bool) -> _Window:
    """Returns a session of the columns that `_WINDOWS` names."""
    text = sqlite.column_text
    ident, key, begun_ms, above, before, source, label, shown, is_current = row
    named_by_key = text(shown) == text(key).rpartition(":")[2]
    title = text(label) or ("" if named_by_key else text(shown)) if is_current else ""
    replaced = text(before) if is_rewound else ""
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
