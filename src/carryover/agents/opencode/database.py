"""Reads one database for all projects, in which the rows of a running answer change.

Tables with accounts and credentials are never read. Changes are found by each session's time and, in the newest
sessions, by the last message, since a session's time is not updated with each part.

A session is a list of pieces, each emitted once, as soon as it is final. A prompt is one piece. Each part of an answer
is two, since a tool call is known long before its result; the end of the answer is one more. A part that may still grow
is held back, and so is everything after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

import msgspec

from carryover.adapter.layouts import Layout
from carryover.clock import utc_now_ms
from carryover.records import rawjson
from carryover.records.fields import LATEST_CLOCK_MS
from carryover.records.lenient import Fields, fields_of, is_true, text_of
from carryover.transcript import sqlite
from carryover.transcript.bounds import LOOK_BYTES, MOST_ROWS_BYTES, TooLarge
from carryover.transcript.files import SQLITE
from carryover.transcript.recorder import usable_folder
from carryover.transcript.rewritten import MAX_CONVERSATIONS, Document, MarkedPiece, NotYet, Snapshot, stored_session
from carryover.transcript.stat_cache import StatCachedReader
from carryover.transcript.stored import StoredFacts, StoredRecord, is_usable_id, lineage

LIVE_SESSIONS: Final = 100
"""How many of the newest sessions have their last message compared as well."""
SETTLED_MS: Final = 120_000
"""An answer that was not written to for this long is taken as it is."""
PROMPT_SETTLED_MS: Final = 2_000
"""The same for a prompt that nothing follows yet, whose parts come one by one."""
LEAST_PART_BYTES: Final = 2_000
"""What a part takes in memory at least, when its message is read."""
CALLING: Final = ("tool-calls", "tool_calls", "unknown")
"""Reasons why a message ends while the turn continues."""

_OPEN: Final = ("pending", "running")
"""States of a call that has not come back."""
_SESSION: Final = "SELECT id, parent_id, directory, title, version, time_created, time_updated, revert FROM session"
_NEWEST: Final = "ORDER BY time_updated DESC, id LIMIT ?"
_MESSAGES: Final = "SELECT id, time_updated, time_created FROM message WHERE session_id = ? ORDER BY time_created, id"
# The role is among the first fields; of the others of a prompt, the changed files can be long. An export has spaces.
_BY_USER: Final = """SELECT id FROM message WHERE instr(replace(substr(data, 1, 2000), ' ', ''), '"role":"user"')"""
_PROMPTS: Final = f"{_BY_USER} AND session_id = ?"
_IS_PROMPT: Final = f"{_BY_USER} AND id = ?"
_PARTS: Final = "SELECT message_id, id, time_updated FROM part WHERE session_id = ? ORDER BY id"
_END: Final = (
    "SELECT id, time_updated, (SELECT printf('%d %d', count(*), max(time_updated)) FROM part"
    " WHERE message_id = message.id)"
    " FROM message WHERE session_id = ? ORDER BY time_created DESC, id DESC LIMIT 1"
)
# Copies keep their time but get new ids.
_COPIED_FROM: Final = (
    "SELECT id FROM session, (SELECT min(time_created) AS first FROM message WHERE session_id = ?1)"
    " WHERE first < ?2 AND id != ?1 AND parent_id IS NULL AND time_created <= first"
    " AND EXISTS (SELECT 1 FROM message WHERE session_id = session.id AND time_created = first)"
    " ORDER BY time_updated DESC, id LIMIT 1"
)
_TABLES: Final = frozenset(("session", "message", "part"))
"""The tables that make a database one of these."""
_SUFFIX: Final = ".db"
DATABASES: Final = Layout(globs=("*.db",), pattern=r"[^./][^/]*\.db")
"""Where the data folder has them; a variable may name one of them instead of the folder."""


class PartEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of a message. `begun`: its call is new; `ended`: its content is final."""

    id: str
    data: msgspec.Raw
    begun: bool = False
    ended: bool = False


class SessionRecord(StoredRecord, frozen=True, omit_defaults=True):
    """Announces a session's pieces, holds a message with some of its parts, or tells the session's facts after them.

    `last_text`: id of the text that ends the message; empty if it ends differently. `ended`: nothing follows in the
    message.
    """

    id: str = ""
    data: msgspec.Raw = rawjson.ABSENT
    parts: tuple[PartEntry, ...] = ()
    last_text: str = ""
    ended: bool = False


def tables_of_copy(path: Path, head: bytes) -> set[str]:
    """Returns the tables of a database anywhere on disk, if it is of this family; otherwise none."""
    tables = set(sqlite.table_names(path)) if path.suffix == _SUFFIX and head.startswith(SQLITE) else set()
    return tables if tables >= _TABLES else set()


def is_added(text: Fields) -> bool:
    """Returns whether a text is the client's own."""
    return is_true(text.get("synthetic")) or is_true(text.get("ignored"))


def ms_of(raw: msgspec.Raw | None) -> int:
    """Returns the UTC milliseconds in a field, of whatever year; 0 if it holds no time."""
    number = rawjson.part_of(raw, float)
    return int(number) if number is not None and 0 < number < LATEST_CLOCK_MS else 0


class _SessionRow(msgspec.Struct, frozen=True):
    """A session, and the message and the part that it was reverted to. The next prompt deletes what follows there."""

    session: StoredFacts
    created_ms: int
    reverted: str
    reverted_part: str


def snapshot_of(db: sqlite.Connection, now_ms: int) -> Snapshot:
    """Takes the snapshot of a database, whose conversations are its sessions, most recently changed first."""
    rows = _session_rows(db) if sqlite.tables(db) >= _TABLES else ()
    sessions = {ident: row for row in rows if is_usable_id(ident := sqlite.column_text(row[0]))}
    marks = []
    for number, (ident, row) in enumerate(sessions.items()):
        end = next(iter(sqlite.rows(db, _END, (ident,))), None) if number < LIVE_SESSIONS else None
        marks.append((ident, f"{_whole(row[6])} {_title_of(row)} {_reverted(row)} {end}"))
    return Snapshot(marks, lambda ident, _notes: _session(db, sessions, ident, now_ms))


def _session(db: sqlite.Connection, sessions: Mapping[str, sqlite.Columns], ident: str, now_ms: int) -> Document:
    """Returns a session with its messages."""
    row = _session_row(sessions[ident])

    def above(ident: str) -> str | None:
        return _session_row(sessions[ident]).session.root if ident in sessions else None

    root = row.session.root and lineage(row.session.root, above)[-1]
    origins = sqlite.rows(db, _COPIED_FROM, (ident, row.created_ms)) if root is None else []
    origin = next((sqlite.column_text(ident) for (ident,) in origins), None)
    session = msgspec.structs.replace(row.session, root=root, forked_from=origin)
    found = _Pieces(db, msgspec.structs.replace(row, session=session), now_ms)
    return stored_session(session, found.places, found.record, found.marked)


def _session_rows(db: sqlite.Connection) -> Iterable[sqlite.Columns]:
    try:
        return sqlite.rows(db, f"{_SESSION} {_NEWEST}", (MAX_CONVERSATIONS,))
    except TooLarge:
        return _smaller_session_rows(db)


def _smaller_session_rows(db: sqlite.Connection) -> Iterator[sqlite.Columns]:
    for (ident,) in sqlite.rows(db, f"SELECT id FROM session {_NEWEST}", (MAX_CONVERSATIONS,)):
        with suppress(TooLarge):
            yield from sqlite.rows(db, f"{_SESSION} WHERE id = ?", (sqlite.column_text(ident),))


def _session_row(row: sqlite.Columns) -> _SessionRow:
    parent, directory, version = (sqlite.column_text(row[at]) for at in (1, 2, 4))
    session = StoredFacts(
        id=sqlite.column_text(row[0]),
        root=parent if is_usable_id(parent) else None,
        directory=usable_folder(directory),
        title=_title_of(row),
        version=version[:100] or None,
    )
    return _SessionRow(session, _whole(row[5]), *_reverted(row))


def _title_of(row: sqlite.Columns) -> str | None:
    return sqlite.column_text(row[3])[:1000] or None


def _reverted(row: sqlite.Columns) -> tuple[str, str]:
    if not isinstance(row[7], bytes):
        return "", ""
    revert = fields_of(row[7])
    return text_of(revert.get("messageID")), text_of(revert.get("partID"))


class _Row(msgspec.Struct, frozen=True):
    """A message without its content, and the ids of its parts. `changed_ms`: when any of it was last written."""

    id: str
    changed_ms: int
    parts: list[str]


_Place = tuple[Literal["prompt", "begun", "ended", "end"], _Row, str]
"""What a piece is: its kind, its message, and the part if it is of one."""


class _Message(msgspec.Struct, frozen=True):
    """A message with its parts, read once for all of its pieces. A part that is too large is None."""

    id: str
    data: bytes
    fields: Fields
    parts: dict[str, bytes | None]
    kinds: dict[str, str]
    states: dict[str, str]
    last_shown: str
    """Id of the last part that is a text or a call of the model; empty if there is none."""

    def is_followed(self, part: str) -> bool:
        """Whether another part follows, so that this is complete. A text may be the answer until its message ends."""
        return part < (self.last_shown if self.kinds[part] == "text" else next(reversed(self.kinds)))

    def is_complete(self) -> bool:
        return "completed" in fields_of(self.fields.get("time")) or "error" in self.fields

    def answer(self) -> str:
        """Returns the id of the text that ends the message; empty if it ends differently."""
        has_ended = text_of(self.fields.get("finish")) not in ("", *CALLING)
        return self.last_shown if has_ended and self.kinds.get(self.last_shown) == "text" else ""


class _Pieces:
    """A session's pieces, of which the last may not be final.

    Messages older than the session were copied by a fork and are left out.
    """

    def __init__(self, db: sqlite.Connection, row: _SessionRow, now_ms: int) -> None:
        self._session, self._db, self._now_ms = row.session, db, now_ms
        self.places: list[_Place] = []
        self.marked: list[MarkedPiece] = []
        self._loaded: _Message | None = None
        parts: dict[str, dict[str, int]] = {}
        # Half as much as of messages, since up to two pieces are made of each part: they take four times as much.
        for message, part, changed_ms in sqlite.rows(db, _PARTS, (row.session.id,), most=LOOK_BYTES // 2):
            parts.setdefault(sqlite.column_text(message), {})[sqlite.column_text(part)] = _whole(changed_ms)
        messages = sqlite.messages_of(db, _MESSAGES, (row.session.id,))
        self._prompts = _prompts(db, row.session.id, [message for message, _, _ in messages])
        for message, updated, created in messages:
            ident = sqlite.column_text(message)
            is_last = row.reverted != "" and ident == row.reverted
            kept = parts.get(ident, {})
            if is_last:
                kept = {part: changed_ms for part, changed_ms in kept.items() if part < row.reverted_part}
            if _whole(created) >= row.created_ms and (not is_last or row.reverted_part):
                self._add_pieces(ident, _whole(updated), kept)
            if is_last:
                break

    def record(self, _number: int, place: _Place) -> bytes | None:
        """Returns the record of a piece, if it has one. Raises NotYet and TooLarge."""
        stage, row, part = place
        message = self._load(row)
        is_call, status = message.kinds.get(part) == "tool", message.states.get(part)
        if stage == "begun" and not is_call:
            return None
        rest_ms = PROMPT_SETTLED_MS if stage == "prompt" else SETTLED_MS
        is_final = self._now_ms - row.changed_ms >= rest_ms or message.is_complete()
        if stage == "begun":
            is_final |= status != "pending"
        elif stage == "ended":
            is_final |= status not in _OPEN if is_call else message.is_followed(part)
        if not is_final and row is self.places[-1][1]:
            raise NotYet(row.changed_ms + rest_ms)
        if stage == "ended" and is_call and status in _OPEN:
            return None  # the client was killed before the call came back
        return self._record(message, stage, {"prompt": row.parts, "end": []}.get(stage, [part]))

    def _add_pieces(self, ident: str, updated_ms: int, parts: dict[str, int]) -> None:
        """Adds the pieces of a message, of whose parts `parts` says when each was last written."""
        row = _Row(ident, min(max([updated_ms, *parts.values()]), self._now_ms), list(parts))
        if ident in self._prompts:
            # Its own row is written again with the files that the turn changed.
            self.places.append(("prompt", row, ""))
            self.marked.append((ident, " ".join(map(str, parts.values()))))
            return
        for part, changed_ms in parts.items():
            self.places += (("begun", row, part), ("ended", row, part))
            self.marked += ((f"{part} begun", ""), (part, changed_ms))
        self.places.append(("end", row, ""))
        self.marked.append((f"{ident} end", updated_ms))

    def _load(self, row: _Row) -> _Message:
        if self._loaded is None or self._loaded.id != row.id:
            data = self._read("SELECT data FROM message WHERE id = ?", row.id)
            if data is None:
                raise TooLarge
            parts: dict[str, bytes | None] = {}
            left = MOST_ROWS_BYTES
            for part in row.parts:
                found = self._read("SELECT data FROM part WHERE id = ?", part) if left > 0 else None
                left -= LEAST_PART_BYTES + len(found or b"")
                parts[part] = found if left >= 0 else None
            read = {part: fields_of(content) for part, content in parts.items()}
            kinds = {part: text_of(found.get("type")) for part, found in read.items()}
            states = {part: text_of(fields_of(found.get("state")).get("status")) for part, found in read.items()}
            shown = next((part for part in reversed(kinds) if _is_shown(kinds[part], read[part])), "")
            self._loaded = _Message(row.id, data, fields_of(data), parts, kinds, states, shown)
        return self._loaded

    def _read(self, query: str, ident: str) -> bytes | None:
        """Returns the content of a row; None if it is too large."""
        with suppress(TooLarge):
            return sqlite.value_at(self._db, query, ident) or b"null"
        return None

    def _record(self, message: _Message, stage: str, parts: list[str]) -> bytes:
        begun, ended = stage in ("prompt", "begun"), stage in ("prompt", "ended")
        read = {part: data for part in parts if (data := message.parts[part]) is not None}
        if parts and not read:
            raise TooLarge
        record = SessionRecord(
            kind="message",
            session=self._session,
            id=message.id,
            # What can't be read must not make the record around it unreadable.
            data=msgspec.Raw(message.data if message.fields else b"null"),
            parts=tuple(
                PartEntry(part, msgspec.Raw(data if message.kinds[part] else b"null"), begun, ended)
                for part, data in read.items()
            ),
            last_text=message.answer(),
            ended=stage in ("prompt", "end"),
        )
        return msgspec.json.encode(record)


def _prompts(db: sqlite.Connection, session: str, messages: Iterable[bytes]) -> set[str]:
    """Returns the ids of a session's messages that are the user's, all found at once unless one is too large."""
    found: list[tuple[bytes]] = []
    try:
        found = sqlite.rows(db, _PROMPTS, (session,))
    except TooLarge:
        for message in messages:
            with suppress(TooLarge):
                found += sqlite.rows(db, _IS_PROMPT, (sqlite.column_text(message),))
    return {sqlite.column_text(ident) for (ident,) in found}


def database_reader(now_ms: Callable[[], int] = utc_now_ms) -> StatCachedReader:
    """Returns the reader of a database."""
    return sqlite.database_reader(lambda db, _, at_ms: snapshot_of(db, at_ms), now_ms)


def _is_shown(kind: str, part: Fields) -> bool:
    """Kilo (7.7.9) adds a text after the answer while a snapshot is made, and deletes it: it follows nothing."""
    return kind == "tool" or (kind == "text" and not is_added(part))


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
