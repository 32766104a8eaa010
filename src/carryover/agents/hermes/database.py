"""Reads the database of a profile, in which all its sessions are, and the failed requests that are dumped beside it.

A message is one row, written once it is complete. Rows are not deleted: those that the user took back are switched off,
and those that a compaction summed up are switched off and marked, after which the rest is written again under new ids.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.records import rawjson
from carryover.records.fields import LATEST_CLOCK_MS
from carryover.records.lenient import fields_of
from carryover.text.pattern import later
from carryover.transcript import sqlite
from carryover.transcript.files import entries_of, read_beside
from carryover.transcript.rewritten import MAX_CONVERSATIONS, Document, MarkedPiece, Snapshot, stored_session
from carryover.transcript.stat_cache import StatCachedReader
from carryover.transcript.stored import EntryRecord, StoredFacts, entry_of, lineage

INTERRUPTED: Final = "Operation interrupted"
"""The beginning of the client's own text in place of an answer."""
PARTS: Final = "\0json:"
"""Prefix of a content of several parts."""
SUMMARIES: Final = ("[CONTEXT COMPACTION", "[CONTEXT SUMMARY]:")
"""The beginnings of a summary, which may stand after what the summary was added to (code)."""


DUMPS: Final = "sessions"
"""The folder with failed requests, beside the database."""
DUMP: Final = later(r"request_dump_(?P<session>[\w-]{1,100})_\d{8}_\d{6}_\d{6}\.json")
MAX_DUMP_BYTES: Final = 32 << 20
COPIED_WITHIN_US: Final = 10
"""Rows that are written again at once are a microsecond apart; others each have a transaction of their own."""

# Sub-agents are marked since schema 16, which also marks those of before.
_SESSIONS: Final = (
    "SELECT id, source = 'subagent' OR instr(coalesce(model_config, ''), '\"_delegate_from\"') > 0,"
    " parent_session_id, cwd, title, model, started_at FROM sessions"
)
# All from an index.
_MARKS: Final = "SELECT session_id, max(id), count(*), sum(active) FROM messages GROUP BY session_id"
_ROWS: Final = (
    "SELECT id, role, timestamp, active, compacted, length(content), substr(content, 1, 200), tool_call_id,"
    " instr(content, ?) + instr(content, ?) FROM messages WHERE session_id = ? ORDER BY id"
)
_ROW: Final = "SELECT role, content, tool_calls, tool_call_id, tool_name, finish_reason FROM messages WHERE id = ?"


class MessageRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message of a session, or the error of a request that failed for good (role `error`)."""

    role: str
    at_us: int
    """The time in microseconds. No two messages of a session have the same."""
    content: str = ""
    calls: msgspec.Raw = rawjson.ABSENT
    call_id: str = ""
    tool: str = ""
    finish: str = ""


RECORD: Final = msgspec.json.Decoder(EntryRecord[MessageRow])


class _Dump(msgspec.Struct, frozen=True, order=True):
    path: str
    session: str
    at_us: int


class _Row(msgspec.Struct, frozen=True):
    """A message without its content. `place` is its role and time, by which a copy that kept its time is known."""

    id: int
    at_us: int
    place: tuple[str, int]
    same: tuple[object, ...]
    """What a copy in another session has in common with it."""
    active: bool
    compacted: bool
    sums_up: bool


def _taken(db: sqlite.Connection, path: Path, _now_ms: int) -> Snapshot:
    if not sqlite.has_column(db, "messages", "compacted"):
        # A database of former versions has none, until a newer client opens it.
        return Snapshot((), lambda _ident, _notes: None)
    dumps: dict[str, list[_Dump]] = {}
    for dump in _dumps(path):
        dumps.setdefault(dump.session, []).append(dump)
    sessions = {sqlite.column_text(row[0]): row for row in sqlite.rows(db, _SESSIONS)}
    marks = [*_marks(db, sessions, dumps)] if sessions else []
    return Snapshot(marks, lambda ident, _notes: _conversation(db, sessions, ident, dumps.get(ident, [])))


def _facts_of(row: sqlite.Columns) -> StoredFacts:
    ident, _, parent, cwd, title, model = map(sqlite.column_text, row[:6])
    return StoredFacts(
        id=ident,
        forked_from=parent or None,
        directory=cwd or None,
        title=title[:1000] or None,
        model=model[:200] or None,
    )


def _marks(
    db: sqlite.Connection, sessions: Mapping[str, sqlite.Columns], dumps: Mapping[str, list[_Dump]]
) -> Iterator[tuple[str, str]]:
    marks = {sqlite.column_text(ident): rest for ident, *rest in sqlite.rows(db, _MARKS)}
    newest = sorted(marks, key=lambda ident: -marks[ident][0])
    for ident in [ident for ident in newest if ident in sessions][:MAX_CONVERSATIONS]:
        yield ident, f"{marks[ident]} {sessions[ident]} {dumps.get(ident)}"


def _conversation(
    db: sqlite.Connection, sessions: Mapping[str, sqlite.Columns], ident: str, dumps: Sequence[_Dump]
) -> Document:
    """Returns a session with its messages, and the requests of it that failed for good."""
    _, is_subagent, *_, started = sessions[ident]
    session, started_us = _facts_of(sessions[ident]), _us_of(started)
    rows = _without_copies(_rows(db, ident))
    above = lineage(session, partial(_above, sessions))[1:]
    if is_subagent:
        root = next((each.id for each in above if not sessions[each.id][1]), session.forked_from)
        session = msgspec.structs.replace(session, root=root)
    elif above:
        before = [row for row in _rows(db, above[0].id) if row.at_us < started_us]
        rows = _without_beginning(rows, before)
    cwd = next((each.directory for each in (session, *above) if each.directory), None)
    session = msgspec.structs.replace(session, directory=cwd)
    places: list[_Row | _Dump] = sorted((*rows, *dumps), key=lambda place: place.at_us)
    pieces = _pieces(places)

    def record(number: int, place: _Row | _Dump) -> bytes | None:
        if pieces[number][1] == "passed":
            return None
        entry = _message(db, place) if isinstance(place, _Row) else _error(place)
        return entry_of(session, entry, place.at_us // 1000) if entry is not None else None

    return stored_session(session, places, record, pieces)


def _above(sessions: Mapping[str, sqlite.Columns], session: StoredFacts) -> StoredFacts | None:
    """Returns the session above one."""
    above = sessions.get(session.forked_from or "")
    return _facts_of(above) if above is not None else None


def _message(db: sqlite.Connection, row: _Row) -> MessageRow:
    role, content, calls, call_id, tool, finish = sqlite.row(db, _ROW, row.id)
    listed = fields_of(b'{"calls":' + calls + b"}").get("calls") if isinstance(calls, bytes) else None
    return MessageRow(
        role=sqlite.column_text(role),
        at_us=row.at_us,
        content=sqlite.column_text(content),
        calls=rawjson.ABSENT if listed is None else listed,
        call_id=sqlite.column_text(call_id),
        tool=sqlite.column_text(tool),
        finish=sqlite.column_text(finish),
    )


def _rows(db: sqlite.Connection, session: str) -> list[_Row]:
    return [_row_of(*values) for values in sqlite.messages_of(db, _ROWS, (*SUMMARIES, session))]


def _error(dump: _Dump) -> MessageRow | None:
    """Returns what a provider said when a request failed for good; None if the file is gone or says nothing."""
    error = fields_of(read_beside(Path(dump.path), limit=MAX_DUMP_BYTES)).get("error")
    return MessageRow("error", dump.at_us, content=bytes(error).decode("utf-8", "replace")) if error else None


def _pieces(places: Sequence[_Row | _Dump]) -> list[MarkedPiece]:
    """Returns the pieces. Messages do not change; a request that failed does, if the turn goes on."""
    found: list[MarkedPiece] = []
    of_failed = "the end"
    for place in reversed(places):
        found.append((str(place.at_us), "" if isinstance(place, _Row) else of_failed))
        if isinstance(place, _Row):
            of_failed = "the end" if place.place[0] == "user" else "passed"
    return found[::-1]


def _without_copies(rows: Iterable[_Row]) -> list[_Row]:
    """Returns the messages as they were first written, without those that the user took back."""
    found: list[_Row] = []
    known: set[tuple[str, int]] = set()
    listed = list(rows)
    archived = False
    for before, row, after in zip([None, *listed], listed, [*listed[1:], None], strict=False):
        at_once = any(other is not None and _is_near(row, other) for other in (before, after))
        is_copy = archived and (row.place in known or at_once)
        if (row.active or row.compacted) and (row.sums_up or not is_copy):
            found.append(row)
        known.add(row.place)
        archived = archived or row.compacted
    return found


def _is_near(row: _Row, other: _Row) -> bool:
    return abs(row.at_us - other.at_us) <= COPIED_WITHIN_US


def _without_beginning(rows: list[_Row], before: list[_Row]) -> list[_Row]:
    """Returns the messages after those at the beginning that were copied from the session before."""
    older: dict[tuple[object, ...], list[int]] = {}
    for number, row in enumerate(before):
        older.setdefault(row.same, []).append(number)
    copied = reached = 0
    for row in rows:
        places = older.get(row.same, [])
        at = bisect_left(places, reached)
        if at < len(places):
            reached = places[at] + 1
        elif not row.sums_up:
            break
        copied += 1
    return rows[copied:]


def _row_of(*values: Any) -> _Row:
    """Returns a row of the columns that `_ROWS` names."""
    ident, role, at, active, compacted, length, head, call_id, sums_up = values
    place = (sqlite.column_text(role), _us_of(at))
    same = (role, call_id) if call_id else (role, length, head)
    return _Row(ident, place[1], place, same, bool(active), bool(compacted), bool(sums_up) and role != b"tool")


def _dumps(path: Path) -> list[_Dump]:
    """Returns the failed requests that were dumped beside a database, oldest first."""
    found: list[_Dump] = []
    for entry in entries_of(path.parent / DUMPS):
        name = DUMP.fullmatch(entry.name)
        with suppress(OSError):  # it was removed in between
            if name is not None and entry.is_file(follow_symlinks=False):
                found.append(_Dump(entry.path, name["session"], entry.stat(follow_symlinks=False).st_mtime_ns // 1000))
    return sorted(found)


def _us_of(value: object) -> int:
    """Returns a row's time in microseconds; 0 if it can't be one."""
    return round(value * 1_000_000) if isinstance(value, float) and 0 < value * 1000 < LATEST_CLOCK_MS else 0


def database_reader() -> StatCachedReader:
    """Returns the reader of a database and the failed requests beside it."""
    return sqlite.database_reader(_taken, beside=lambda path: (Path(dump.path) for dump in _dumps(path)))
