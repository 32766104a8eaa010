"""OpenClaw: it runs on pi, whose entries it keeps in a database. FACTS.md has what differs.

The database of an agent has, for each session, the entries that pi would write as lines of a file. A row is one entry,
written once. A transcript that the client writes again gets another `generation`.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, Parsed, Record, Source
from carryover.adapter.layouts import Layout
from carryover.agents.openclaw import SPEC
from carryover.agents.pi.adapter import PiContext, parse_line
from carryover.model import SessionInfo
from carryover.records.lenient import fields_of, text_of
from carryover.transcript import sqlite
from carryover.transcript.bounds import TooLarge
from carryover.transcript.files import SQLITE
from carryover.transcript.recorder import reemitted_after, usable_folder
from carryover.transcript.rewritten import MAX_CONVERSATIONS, Document, Snapshot, stored_session
from carryover.transcript.stored import EntryRecord, StoredFacts, entry_of, lineage, read_stored, with_session

_LAYOUTS: Final = (Layout(globs=("*/agent/openclaw-agent.sqlite",), pattern=r"[^/]+/agent/openclaw-agent\.sqlite"),)
_MAX_SESSIONS: Final = 10
"""Sessions whose state is kept."""
_EVENTS: Final = "transcript_events"
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


class _Line(msgspec.Struct, frozen=True):
    """An entry as pi's parser reads it."""

    line: msgspec.Raw


_RECORD: Final = msgspec.json.Decoder(EntryRecord[_Line])


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


class _Database:
    """What a database has of its sessions, beside their entries."""

    def __init__(self, db: sqlite.Connection) -> None:
        self._db = db
        self._tables = sqlite.tables(db)
        self._windows: dict[str, _Window] = {}
        if {"session_windows", "session_nodes"} <= self._tables:  # since schema 14
            rewound = {ident for (ident,) in sqlite.rows(db, _REWOUND)} if _EVENTS in self._tables else set()
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
        is_packed = sqlite.has_column(db, _EVENTS, "event_zstd")  # since schema 23
        self._entry = _ENTRY.format(zstd="event_zstd" if is_packed else "NULL")

    def marks(self) -> list[tuple[str, str]]:
        """Returns the id and mark of each session."""
        if _EVENTS not in self._tables:
            return []
        replaced = {window.before for window in self._windows.values()}
        named = [(sqlite.column_text(ident), *rest) for ident, *rest in sqlite.rows(self._db, _MARKS)]
        return [
            (ident, f"{rest} {self._rewrites.get(ident)} {self._windows.get(ident)}")
            for ident, *rest in named
            if ident not in replaced
        ]

    def session(self, ident: str, _notes: dict[str, str]) -> Document:
        """Returns a session with its entries."""
        rows = sqlite.messages_of(self._db, _ROWS, (ident,))
        header = fields_of(self._line(rows[0])[0]) if rows else {}
        session = msgspec.structs.replace(self._facts(ident), directory=text_of(header.get("cwd")) or None)

        def record(_number: int, row: tuple[int, int]) -> bytes:
            line, at_ms = self._line(row)
            return entry_of(session, _Line(msgspec.Raw(line)), at_ms)

        known_as = f"{self._rewrites.get(ident)} {session.root} {session.name}"  # if it changes, all is emitted again
        pieces = [(str(seq), f"{rowid} {known_as}") for rowid, seq in rows]
        window = self._windows.get(ident)
        return stored_session(session, rows, record, pieces, at_ms=window.begun_ms if window is not None else 0)

    def _line(self, row: tuple[int, int]) -> tuple[bytes, int]:
        """Returns an entry and its time."""
        text, at_ms, packed = sqlite.row(self._db, self._entry, row[0])
        text = _unpacked(packed) if isinstance(packed, bytes) else text
        return sqlite.column_text(text).encode(), at_ms if isinstance(at_ms, int) else 0

    def _facts(self, ident: str) -> StoredFacts:
        window = self._windows.get(ident)
        if window is None:
            return StoredFacts(id=ident)
        root = lineage(window, self._above)[-1]
        name = self._names[ident]
        source = self._names.get(window.copied_from)  # None if it was deleted: then what was copied counts as its own
        return StoredFacts(
            id=ident,
            name=name if name != ident else "",
            root=self._names[root.id] if root is not window else None,
            forked_from=source,
            title=window.title or None,
        )

    def _above(self, window: _Window) -> _Window | None:
        """Returns the session that began a sub-agent: of those of its key, the last that is not younger."""
        older = [one for one in self._of_key.get(window.above, ()) if one.begun_ms <= window.begun_ms]
        return older[-1] if older else None


def _taken(db: sqlite.Connection, _path: Path, _now_ms: int) -> Snapshot:
    database = _Database(db)
    return Snapshot(database.marks(), database.session)


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


class _Session(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a session after its last entry. `last`: key of its last event; bytes, since text might be taken
    for a secret."""

    state: PiContext = PiContext()
    last: bytes | None = None


class _Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of a database's newest sessions."""

    sessions: dict[str, _Session] = {}


def _parse(source: Source, context: _Context, record: Record) -> tuple[_Context, Parsed]:
    read = read_stored(_RECORD, record)
    if isinstance(read, Parsed):
        return context, read
    facts = read.session
    known = context.sessions.get(facts.id)
    parsed = Parsed()
    if read.kind == "begin":
        kept = known if read.on else None
        if kept is not None or not read.on:
            last = kept.last if kept is not None else None
            again = reemitted_after(last, session=facts.session, subagent_id=facts.subagent_id, more=read.more)
            parsed = Parsed(reemitted=again)
        return _with(context, kept or _begun(facts, read.at_ms), facts.id), parsed
    session = known or _begun(facts, 0)
    line = bytes(read.entry.line) if read.entry is not None else _title(facts)
    if line:
        here = Source(agent=source.agent, path=source.path, session=facts.session, subagent_id=facts.subagent_id)
        state, parsed = parse_line(here, session.state, Record(number=record.number, data=line))
        own = tuple(event for event in parsed.events if not event.copied)  # its source is in the same database
        parsed = msgspec.structs.replace(parsed, events=own)
        last = parsed.events[-1].key.encode("utf-8", "replace") if parsed.events else session.last
        session = _Session(state, last)
    return _with(context, session, facts.id), parsed


def _with(context: _Context, session: _Session, ident: str) -> _Context:
    return _Context(with_session(context.sessions, ident, session, _MAX_SESSIONS, lambda each: each.state.last_ms))


def _begun(facts: StoredFacts, at_ms: int) -> _Session:
    """Returns the state of a session before its first entry. What it copied from another one is older than itself."""
    forked_ms = at_ms if facts.forked_from else 0
    about = SessionInfo(parent=facts.forked_from)
    folder = usable_folder(facts.directory)
    return _Session(PiContext(session=facts.name or facts.id, cwd=folder, forked_ms=forked_ms, facts=about))


def _title(facts: StoredFacts) -> bytes:
    """Returns the title as pi would write it; empty if there is none."""
    return msgspec.json.encode({"type": "session_info", "name": facts.title}) if facts.title else b""


def _exported(path: Path, head: bytes) -> Source | None:
    if path.suffix != ".sqlite" or not head.startswith(SQLITE):
        return None
    with suppress(OSError):
        if sqlite.read_database(path, lambda db: sqlite.has_column(db, _EVENTS, "event_json")):
            return Source(agent=SPEC.id, path=str(path))
    return None


AGENT: Final = Agent(
    spec=SPEC,
    reader=sqlite.database_reader(_taken),
    context_type=_Context,
    layouts=_LAYOUTS,
    parse=_parse,
    exported=_exported,
)
