"""Reads the database with the sessions of all projects.

A message is one row, written when its round is over; newer versions also write a growing row again. A compaction writes
all rows of a session again, with the ids that the messages had, then a summary for the model alone, and once more the
prompt that it answers to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from carryover.adapter.contract import Batch, FileStat
from carryover.families.stored import Session, StoredRecord
from carryover.model import session_in_other_cwd
from carryover.readers import sqlite
from carryover.readers.rewritten import MAX_CONVERSATIONS, Piece, read_on
from carryover.readers.stat_cache import utc_now_ms
from carryover.records import rawjson
from carryover.records.fields import digest
from carryover.records.lenient import fields_of, is_true, text_of

NEWEST_ROWS: Final = 100
"""How many of the newest rows have their length compared, since they may have grown."""

# Added last of the columns that are read, so a database of former versions has none of it.
_IDS: Final = "SELECT name FROM pragma_table_info('messages') WHERE name = 'message_id'"
_SESSIONS: Final = (
    "SELECT id, created_at, working_dir, name, model_config_json FROM sessions"
    " WHERE session_type NOT IN ('sub_agent', 'hidden', 'scheduled')"
)
_MARKS: Final = "SELECT session_id, max(id), count(*) FROM messages GROUP BY session_id"
_LENGTHS: Final = "SELECT id, length(content_json) FROM messages ORDER BY id DESC LIMIT ?"
_ROWS: Final = (
    "SELECT id, message_id, role, created_timestamp, metadata_json, length(content_json), substr(content_json, 1, 200)"
    " FROM messages WHERE session_id = ? ORDER BY id"
)
# Messages of a copied session keep their ids.
_COPIED: Final = (
    "SELECT m.message_id, o.session_id FROM messages m JOIN messages o ON o.message_id = m.message_id"
    " AND o.session_id != m.session_id WHERE m.session_id = ?1 AND (SELECT rowid FROM sessions WHERE id = o.session_id)"
    " < (SELECT rowid FROM sessions WHERE id = ?1) ORDER BY m.id"
)
_CONTENT: Final = "SELECT content_json FROM messages WHERE id = ?"
_RESULT: Final = b'"type":"toolResponse"'


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message. `last`: nothing of the same turn follows it yet; `sums_up`: it is the summary of a compaction."""

    role: str
    key: str
    at_s: int
    content: msgspec.Raw = rawjson.ABSENT
    last: bool = False
    sums_up: bool = False


class SessionRecord(StoredRecord, frozen=True, omit_defaults=True):
    """Announces a session's pieces, holds one of them, or tells the session's facts after them."""

    entry: Entry | None = None


RECORD: Final = msgspec.json.Decoder(SessionRecord)


class DatabaseReader:
    """Reads a database; see `carryover.adapter.contract.Reader`."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Reads what changed, newest sessions first. Raises as `readers.sqlite.read_transaction` does."""
        now_ms = utc_now_ms()
        return sqlite.read_database(path, lambda db: read_on(Database(db), cursor, now_ms=now_ms))

    def stat(self, path: Path) -> FileStat:
        """Returns the size and time of the database and its WAL."""
        return sqlite.stat(path)


class _Row(NamedTuple):
    id: int
    message: str
    role: str
    at_s: int
    hidden: bool
    """Whether it is for the model alone."""
    result: bool
    same: tuple[object, ...]
    """What the copy that a compaction makes of a prompt has in common with it."""


class Database:
    """A snapshot of the database; see `carryover.readers.rewritten.Snapshot`."""

    def __init__(self, db: sqlite.Connection) -> None:
        self._db = db
        self._sessions: dict[str, Session] = {}
        if not sqlite.rows(db, _IDS, ()):
            return
        for ident, created, folder, name, model in sqlite.rows(db, _SESSIONS, ()):
            session = Session(
                id=_text(ident),
                # Ids are counted from 1 each day, so another machine has the same ones.
                name=session_in_other_cwd(_text(ident), digest(_text(created))[:8]),
                directory=_text(folder) or None,
                title=_text(name)[:1000] or None,
                model=text_of(fields_of(_text(model).encode()).get("model_name"))[:200] or None,
            )
            self._sessions[session.id] = session

    def conversations(self) -> list[tuple[str, str]]:
        """Returns the sessions, most recently changed first."""
        if not self._sessions:
            return []
        lengths = dict(sqlite.rows(self._db, _LENGTHS, (NEWEST_ROWS,)))
        marks = {_text(ident): (newest, count) for ident, newest, count in sqlite.rows(self._db, _MARKS, ())}
        known = sorted(marks.keys() & self._sessions.keys(), key=lambda ident: -marks[ident][0])
        return [
            (ident, f"{marks[ident]} {lengths.get(marks[ident][0])} {self._sessions[ident]}")
            for ident in known[:MAX_CONVERSATIONS]
        ]

    def conversation(self, ident: str, notes: dict[str, str]) -> _StoredSession:  # noqa: ARG002
        """Returns a session with its messages, without those that were copied from another one."""
        copied = {_text(message): _text(other) for message, other in sqlite.rows(self._db, _COPIED, (ident,))}
        origin = next(iter(copied.values()), None)
        forked_from = self._sessions[origin].name if origin in self._sessions else origin
        session = msgspec.structs.replace(self._sessions[ident], forked_from=forked_from)
        rows = [_row(*values) for values in sqlite.rows(self._db, _ROWS, (ident,))]
        return _StoredSession(self._db, session, [row for row in _without_copies(rows) if row.message not in copied])


class _StoredSession:
    """A session's pieces; see `carryover.readers.rewritten.Conversation`."""

    rests_ms: int | None = None

    def __init__(self, db: sqlite.Connection, session: Session, rows: list[_Row]) -> None:
        self._db, self._session, self._rows = db, session, rows
        times: dict[str, int] = {}
        self._last = _last_of_turns(rows)
        self.pieces: list[Piece] = []
        for number, row in enumerate(rows):
            times[row.message] = times.get(row.message, 0) + 1
            self.pieces.append((f"{row.message}/{times[row.message]}", self._mark(number)))

    def begin(self, *, on: bool, more: bool) -> bytes | None:
        return msgspec.json.encode(SessionRecord("begin", self._session, on=on, more=more))

    def piece(self, number: int) -> bytes | None:
        row = self._rows[number]
        sums_up = self._sums_up(number)
        if row.hidden and not sums_up:
            return None
        key, _ = self.pieces[number]
        [(content,)] = sqlite.rows(self._db, _CONTENT, (row.id,))
        parts = rawjson.part_of(msgspec.Raw(_text(content).encode()), list[msgspec.Raw])
        entry = Entry(
            role=row.role,
            key=key,
            at_s=row.at_s,
            content=rawjson.ABSENT if parts is None else msgspec.Raw(msgspec.json.encode(parts)),
            last=number in self._last,
            sums_up=sums_up,
        )
        return msgspec.json.encode(SessionRecord("message", self._session, entry=entry))

    def end(self, emitted: int) -> bytes | None:  # noqa: ARG002 (the name is the protocol's)
        return msgspec.json.encode(SessionRecord("session", self._session))

    def _mark(self, number: int) -> str:
        row = self._rows[number]
        return f"{row.same[1]} {row.hidden} {number in self._last} {self._sums_up(number)}"

    def _sums_up(self, number: int) -> bool:
        """Whether a message is a summary: for the model alone, as is the one after it, that tells it to go on."""
        row, *after = self._rows[number : number + 2]
        return row.hidden and row.role == "user" and any(each.hidden and each.role == "assistant" for each in after)


def _last_of_turns(rows: list[_Row]) -> frozenset[int]:
    """Returns which messages of the model end their turns, as far as is known."""
    found = []
    after: _Row | None = None
    for number, row in reversed([*enumerate(rows)]):
        if row.role == "assistant" and (after is None or (after.role == "user" and not after.result)):
            found.append(number)
        after = after if row.hidden else row
    return frozenset(found)


def _without_copies(rows: list[_Row]) -> list[_Row]:
    """Returns the messages without the prompts that compactions wrote again."""
    found: list[_Row] = []
    known: set[tuple[object, ...]] = set()
    continued = False
    for row in rows:
        if not (continued and row.same in known):
            found.append(row)
        known.add(row.same)
        continued = row.hidden and row.role == "assistant"
    return found


def _row(*values: Any) -> _Row:
    ident, message, role, at_s, metadata, length, head = values
    shown = fields_of(_text(metadata).encode())
    hidden = is_true(shown.get("agentVisible")) and bytes(shown.get("userVisible", rawjson.ABSENT)) == b"false"
    time = at_s if isinstance(at_s, int) else 0
    is_result = isinstance(head, bytes) and _RESULT in head
    return _Row(ident, _text(message) or str(ident), _text(role), time, hidden, is_result, (role, length, head))


def _text(value: object) -> str:
    return sqlite.text_of(value) or ""
