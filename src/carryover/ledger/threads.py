"""The events of threads and their digests, which are updated in the transaction that changes events or the reducer.

The reducer gets exactly what is stored, so a digest that is rebuilt equals one that grew event by event. An event that
no longer counts keeps its row, so that its key stays known and reading the record again adds nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Final, Protocol

import msgspec

from carryover.adapter.contract import Reemitted, Source
from carryover.ledger.batch import ReadyEvent, event_key, in_parts
from carryover.ledger.codec import decode_body, is_of, is_same_body, pack_digest, unpack_digest
from carryover.ledger.rows import COUNTS, RETRACTED, SUPERSEDED, ThreadRow, as_reduced, locator
from carryover.ledger.sessions import SessionInLedger, mark_changed
from carryover.model import Event

NO_DIGEST: Final = b""
"""The digest of a thread without events."""
NEVER_REDUCED: Final = 0
"""A version that no reducer has, for threads whose digest has yet to be made."""

_EVENTS_PER_READ: Final = 500

_EVENTS: Final = """SELECT id, at_ms, body FROM event WHERE thread_id = ? AND id > ? AND retracted = 0
    ORDER BY id LIMIT ?"""
_EMPTY: Final = "UPDATE thread SET digest = ?, fold_version = ?, last_ms = 0 WHERE id = ?"
_STORE: Final = "UPDATE thread SET digest = ?, fold_version = ?, last_ms = max(last_ms, ?) WHERE id = ?"
_LAST_MS: Final = "UPDATE thread SET last_ms = max(last_ms, ?) WHERE id = ?"
_MARK: Final = f"UPDATE thread SET fold_version = {NEVER_REDUCED} WHERE id = ?"
_FIND: Final = "SELECT id, subagent_id, fold_version, digest FROM thread WHERE session_id = ? AND subagent_id = ?"
_OPEN: Final = "INSERT INTO thread (session_id, subagent_id, fold_version, digest) VALUES (?, ?, ?, ?)"
# The inner query reads an index alone, and of most ledgers it finds nothing.
_OUTDATED: Final = """SELECT id FROM thread WHERE id IN (SELECT id FROM thread WHERE fold_version != ?)
    AND id NOT IN (SELECT thread_id FROM touched) ORDER BY last_ms DESC LIMIT 1"""
_OF_ID: Final = """SELECT session.native_id, subagent_id FROM thread JOIN session ON session.id = session_id
    WHERE thread.id = ?"""


THREAD_TRIGGERS: Final = (
    "CREATE TEMP TABLE IF NOT EXISTS touched (thread_id INTEGER PRIMARY KEY, source_id INTEGER NOT NULL DEFAULT 0)",
    """CREATE TEMP TRIGGER IF NOT EXISTS event_changed AFTER UPDATE OF body, retracted ON event
        WHEN OLD.retracted = 0 OR NEW.retracted = 0
        BEGIN INSERT OR REPLACE INTO touched (thread_id) VALUES (NEW.thread_id); END""",
    """CREATE TEMP TRIGGER IF NOT EXISTS event_removed AFTER DELETE ON event
        BEGIN INSERT OR REPLACE INTO touched (thread_id) VALUES (OLD.thread_id); END""",
)
"""With these, a connection lists for `rebuild_changed` the threads in which an event was changed or removed. A thread
with a `source_id` waits until that source is read to its end."""
_NO_SOURCE: Final = ("", "")
_SOURCE: Final = "(SELECT id FROM source WHERE agent = ? AND path = ?)"
_TOUCHED: Final = f"""SELECT thread.id, session.id, project_id, EXISTS (SELECT 1 FROM event WHERE thread_id = thread.id)
    FROM touched CROSS JOIN thread ON thread.id = touched.thread_id JOIN session ON session.id = session_id
    WHERE source_id IN (0, {_SOURCE})"""
_TOUCH: Final = "INSERT OR REPLACE INTO touched (thread_id) VALUES (?)"
_WAIT: Final = f"INSERT OR REPLACE INTO touched (thread_id, source_id) VALUES (?, {_SOURCE})"
_SETTLED: Final = f"DELETE FROM touched WHERE source_id IN (0, {_SOURCE})"
_DROP_EMPTY_SESSION: Final = """DELETE FROM session WHERE id = :id
    AND NOT EXISTS (SELECT 1 FROM thread WHERE session_id = :id)"""
REPLACE: Final = "UPDATE event SET body = ? WHERE id = ?"
_OF_SESSION: Final = "thread_id IN (SELECT id FROM thread WHERE session_id = ?)"
_SWITCH: Final = f"""UPDATE event SET retracted = {{after}}
    WHERE key IN ({{marks}}) AND retracted = {{before}} AND {_OF_SESSION}"""
_SAID: Final = (
    "user_prompt queued_prompt assistant_message question answer plan_update plan_proposal agent_summary turn_end"
)
"""What is retracted with a stretch of time: not what was done, since files are left as they are."""
_RETRACT_SINCE: Final = f"""UPDATE event SET retracted = {RETRACTED} WHERE retracted = {COUNTS}
    AND thread_id IN (SELECT id FROM thread WHERE session_id = ? AND subagent_id = coalesce(?, subagent_id))
    AND at_ms >= ? AND at_ms < ? AND ({" OR ".join(map(is_of, _SAID.split()))})"""
_RESET_SESSION: Final = """UPDATE session SET project_final = 0,
    started_ms = CASE WHEN :first_ms > 0 THEN :first_ms ELSE started_ms END,
    last_ms = CASE WHEN :last_ms > 0 THEN :last_ms ELSE last_ms END
    WHERE id = :id"""
_PLACE: Final = "SELECT id FROM event WHERE key = ? AND thread_id = ? AND retracted = 0"
_LAST: Final = "SELECT coalesce(max(id), 0) FROM event"
_STANDING: Final = """SELECT id, key, body FROM event WHERE thread_id = ? AND retracted = 0 AND id > ?
    ORDER BY id LIMIT ?"""
_TAKEN_BACK: Final = f"""SELECT id, key, body FROM event
    WHERE key IN ({{marks}}) AND thread_id = ? AND retracted = {RETRACTED} AND id > ?"""
_RETRACT_AFTER: Final = f"UPDATE event SET retracted = {RETRACTED} WHERE thread_id = ? AND retracted = 0 AND id > ?"
_DISPLACE: Final = """DELETE FROM event WHERE thread_id IN (SELECT thread.id
    FROM session JOIN thread ON session_id = session.id WHERE machine != '' AND agent = ? AND native_id IN ({marks}))"""
_DISPLACE_EVENTS: Final = """DELETE FROM event WHERE {column} IN ({marks})
    AND (SELECT machine FROM thread JOIN session ON session.id = session_id WHERE thread.id = thread_id) != ''"""


class Reducer(Protocol):
    """Folds the events of one thread into a digest. Pure, and blocking: about 50 µs per event."""

    @property
    def version(self) -> int:
        """A number above 0 that changes whenever the same events would make another digest."""

    def reduce(self, digest: bytes, events: Iterable[Event]) -> bytes:
        """Returns the digest after `events`, in order. The first digest is `NO_DIGEST`. Raises ValueError if this
        version can't read the one before."""


def open_thread(db: sqlite3.Connection, reducer: Reducer, session_id: int, subagent_id: str) -> ThreadRow:
    """Returns the thread's row, creating it if necessary. `subagent_id` is '' for the main conversation."""
    for row in db.execute(_FIND, (session_id, subagent_id)):
        return ThreadRow(*row)
    db.execute(_OPEN, (session_id, subagent_id, reducer.version, NO_DIGEST))
    return open_thread(db, reducer, session_id, subagent_id)


def reduce_on(db: sqlite3.Connection, reducer: Reducer, thread: ThreadRow, events: Sequence[Event]) -> None:
    """Folds `events`, which are already stored, into the thread's digest and stores it. If that digest cannot be
    continued, `rebuild_changed` makes it again."""
    digest = None
    if thread.fold_version == reducer.version:
        with suppress(ValueError):
            digest = reducer.reduce(unpack_digest(thread.packed), events)
    if digest is None:
        db.execute(_LAST_MS, (_last_ms(events), thread.id))
        db.execute(_TOUCH, (thread.id,))
    else:
        _store(db, reducer, thread.id, digest, events)


def _store(db: sqlite3.Connection, reducer: Reducer, thread_id: int, digest: bytes, events: Iterable[Event]) -> None:
    db.execute(_STORE, (pack_digest(digest), reducer.version, _last_ms(events), thread_id))


def _last_ms(events: Iterable[Event]) -> int:
    return max((event.at_ms for event in events), default=0)


def _rebuild(db: sqlite3.Connection, reducer: Reducer, thread_id: int) -> None:
    """Folds all events of a thread that count again, in the order in which they arrived."""
    ((session, subagent_id),) = db.execute(_OF_ID, (thread_id,))
    # Also if no event is left; a retracted one may have been the newest.
    db.execute(_EMPTY, (NO_DIGEST, reducer.version, thread_id))
    digest, after = NO_DIGEST, 0
    while rows := list(db.execute(_EVENTS, (thread_id, after, _EVENTS_PER_READ))):
        events = [as_reduced(row, at_ms, decode_body(body), session, subagent_id) for row, at_ms, body in rows]
        digest = reducer.reduce(digest, events)
        _store(db, reducer, thread_id, digest, events)
        after = int(rows[-1][0])


def rebuild_changed(
    db: sqlite3.Connection, reducer: Reducer, source: Source | None = None, *, more: bool = False
) -> dict[int, int]:
    """Rebuilds the digests of threads whose events changed; removes threads and sessions that were left empty.

    If `more` of `source` follows, digests are made at its end, since each batch may change earlier events. Until then
    a query folds the events itself; if the end never comes, `rebuild_outdated` does so after the next start.

    Returns what `mark_changed` does of the projects affected.
    """
    identity = (source.agent, locator(source.path)) if source is not None else _NO_SOURCE
    chosen = _NO_SOURCE if more else identity
    rows = list(db.execute(_TOUCHED, chosen))
    if not rows:
        return {}
    db.execute(_SETTLED, chosen)
    for thread_id, session_id, _, has_events in rows:
        if not has_events:
            db.execute("DELETE FROM thread WHERE id = ?", (thread_id,))
            db.execute(_DROP_EMPTY_SESSION, {"id": session_id})
        elif more:
            db.execute(_MARK, (thread_id,))
            db.execute(_WAIT, (thread_id, *identity))
        else:
            _rebuild(db, reducer, thread_id)
    return mark_changed(db, {int(project) for _, _, project, _ in rows if project is not None})


def rebuild_outdated(db: sqlite3.Connection, reducer: Reducer) -> bool:
    """Rebuilds the newest digest that another version of the reducer made; returns whether there was one."""
    rows = list(db.execute(_OUTDATED, (reducer.version,)))
    for (thread_id,) in rows:
        _rebuild(db, reducer, thread_id)
    return bool(rows)


def retract(db: sqlite3.Connection, session: SessionInLedger, entries: Sequence[ReadyEvent]) -> None:
    """Retracts and restores what `entries` say of the session's events; of one event, the last entry counts.

    A record that is read again may retract more than before.
    """
    for entry in entries:
        if entry.retracts_since_ms is not None:
            # A sub-agent that goes back takes nothing from the conversation.
            stretch = (entry.event.subagent_id, entry.retracts_since_ms, entry.event.at_ms)
            db.execute(_RETRACT_SINCE, (session.id, *stretch))
    counting: dict[bytes, bool] = {}
    for entry in entries:
        counting.update(dict.fromkeys(entry.retracts, False))
        counting.update(dict.fromkeys(entry.restores, True))
    for again, before, after in ((False, COUNTS, RETRACTED), (True, RETRACTED, COUNTS)):
        keys = sorted(key for key, counts in counting.items() if counts is again)
        for marks, some in in_parts(keys):
            db.execute(_SWITCH.format(marks=marks, before=before, after=after), (*some, session.id))


def supersede(
    db: sqlite3.Connection, session: SessionInLedger, rank: int, *, first_ms: int, last_ms: int
) -> SessionInLedger:
    """Raises the session to `rank`: what lesser sources reported no longer counts, except facts such as its title.

    The session's project and times (UTC ms, 0 if unknown) are determined again.
    """
    db.execute("UPDATE session SET rank = ? WHERE id = ?", (rank, session.id))
    if not list(db.execute("SELECT 1 FROM thread WHERE session_id = ?", (session.id,))):
        return msgspec.structs.replace(session, rank=rank)
    db.execute(f"UPDATE event SET retracted = {SUPERSEDED} WHERE {_OF_SESSION}", (session.id,))
    db.execute(_RESET_SESSION, {"id": session.id, "first_ms": first_ms, "last_ms": last_ms})
    return msgspec.structs.replace(session, rank=rank, final=False)


def reemit(
    db: sqlite3.Connection, agent: str, session: SessionInLedger, reemitted: Reemitted, entries: Sequence[ReadyEvent]
) -> list[ReadyEvent]:
    """Brings a thread of a rewritten source in line with `entries`, and returns those still to add.

    Unchanged events stay with their time, changed ones are replaced, missing ones retracted. Only events after the
    first difference get new rows, so that rows keep the order. If two entries have the same key, the first counts.
    """
    known: dict[bytes, ReadyEvent] = {}
    for entry in entries:
        known.setdefault(entry.key, entry)
    entries = list(known.values())
    thread = "SELECT id FROM thread WHERE session_id = ? AND subagent_id = ?"
    threads = db.execute(thread, (session.id, reemitted.subagent_id or ""))
    thread_id = next((int(found) for (found,) in threads), 0)
    place = 0
    same = 0
    if reemitted.after is not None:
        after = (event_key(agent, reemitted.after), thread_id)
        # If that event is lost, entries are added and nothing is retracted.
        found = list(db.execute(_PLACE, after)) or db.execute(_LAST)
        place = max(int(row_id) for (row_id,) in found)
    standing = list(db.execute(_STANDING, (thread_id, place, len(entries))))
    # What `entries` report and take back stands too, or each report would add all that came after it again.
    for marks, keys in in_parts(sorted(known.keys() & {key for entry in entries for key in entry.retracts})):
        standing += db.execute(_TAKEN_BACK.format(marks=marks), (*keys, thread_id, place))
    standing.sort(key=itemgetter(0))
    for (row_id, key, body), entry in zip(standing, entries, strict=False):
        if key != entry.key:
            break
        if not is_same_body(body, entry.body):
            db.execute(REPLACE, (entry.body, row_id))
        place = row_id
        same += 1
    fresh = entries[same:]
    if fresh or not reemitted.more:
        db.execute(_RETRACT_AFTER, (thread_id, place))
    for marks, keys in in_parts([entry.key for entry in fresh]):
        db.execute(f"DELETE FROM event WHERE key IN ({marks})", keys)
    return fresh


def displace_foreign(db: sqlite3.Connection, agent: str, entries: Sequence[ReadyEvent]) -> None:
    """Removes what other machines reported of the sessions and events in `entries`, which this machine has read."""
    for marks, sessions in in_parts(sorted({entry.event.session for entry in entries})):
        db.execute(_DISPLACE.format(marks=marks), (agent, *sessions))
    secondary = [entry.secondary_key for entry in entries if entry.secondary_key is not None]
    for column, identities in (("key", [entry.key for entry in entries]), ("secondary_key", secondary)):
        for marks, some in in_parts(identities):
            db.execute(_DISPLACE_EVENTS.format(column=column, marks=marks), some)
