"""The statements of one commit, between BEGIN and COMMIT."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Final

import msgspec
from msgspec.structs import astuple

from carryover.adapter.contract import Source
from carryover.facts import ProjectRoot
from carryover.ledger import sessions, threads, tombstones
from carryover.ledger.batch import Committed, PreparedBatch, ReadyEvent, among, grouped, identity, rank_of
from carryover.ledger.connect import StaleRead
from carryover.ledger.rows import LOST, as_reduced, locator
from carryover.ledger.search_index import index_new
from carryover.ledger.sessions import SessionInLedger
from carryover.ledger.threads import Reducer
from carryover.model import AssistantMessage, Event, SessionInfo, Skipped, TokensUsed, TurnEnd

_REV: Final = f"""SELECT coalesce((SELECT rev FROM source WHERE agent = ? AND path = ?), 0),
    EXISTS (SELECT 1 FROM forgotten), EXISTS (SELECT 1 FROM machine),
    EXISTS (SELECT 1 FROM event WHERE retracted != 0 AND retracted = {LOST})"""
_ADVANCE: Final = """INSERT INTO source (agent, path, rev, cursor, context, size, mtime_ns) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (agent, path) DO UPDATE SET rev = excluded.rev, cursor = excluded.cursor, context = excluded.context,
        size = excluded.size, mtime_ns = excluded.mtime_ns,
        state = 'active', error = NULL, failures = 0, retry_ms = 0"""
_PUT_EVENT: Final = "INSERT INTO event (id, key, secondary_key, thread_id, at_ms, body) VALUES (?, ?, ?, ?, ?, ?)"
_OF_MACHINE: Final = "UPDATE session SET machine = ? WHERE id = ? AND machine = ''"
_RESTORE: Final = f"""UPDATE event SET body = ?, retracted = 0 WHERE key = ? AND retracted = {LOST}
    AND (SELECT machine FROM thread JOIN session ON session.id = session_id WHERE thread.id = thread_id) = ?"""
# A session without events has no row yet, and one with a better source has its tokens. What a record says later, with
# more output, replaces what was written while the answer was still coming.
_PUT_TOKENS: Final = """INSERT INTO tokens (key, session_id, at_ms, model, input, output, cache_read, cache_write)
    SELECT ?1, id, ?4, ?5, ?6, ?7, ?8, ?9 FROM session WHERE agent = ?2 AND native_id = ?3 AND rank <= ?10
    ON CONFLICT (key) DO UPDATE SET input = excluded.input, output = excluded.output,
        cache_read = excluded.cache_read, cache_write = excluded.cache_write WHERE excluded.output > output"""
_PUT_WINDOW: Final = """INSERT INTO limit_window (agent, name, at_ms, used_percent, minutes, resets_ms)
    VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (agent, name) DO UPDATE SET at_ms = excluded.at_ms,
        used_percent = excluded.used_percent, minutes = excluded.minutes, resets_ms = excluded.resets_ms
        WHERE excluded.at_ms >= at_ms"""
_SKIPPED_ROWS: Final = 1000
_RECORD_TYPE_CHARS: Final = 80

_COUNT: Final = "INSERT INTO counter (name, n) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET n = n + excluded.n"
_COUNT_SKIPPED: Final = """INSERT INTO skipped (agent, agent_version, record_type, reason, n, last_ms)
    VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (agent, agent_version, record_type, reason)
    DO UPDATE SET n = n + excluded.n, last_ms = max(last_ms, excluded.last_ms)"""


def run_commit(
    db: sqlite3.Connection,
    reducer: Reducer,
    source: Source,
    prepared: PreparedBatch,
    seen_rev: int,
) -> Committed:
    """Stores `prepared` inside the open transaction. Raises StaleRead if the source's `rev` is no longer `seen_rev`."""
    place = (source.agent, locator(source.path))
    ((rev, any_forgotten, any_foreign, any_lost),) = db.execute(_REV, place)
    if rev != seen_rev:
        raise StaleRead
    reported = sessions.resolve_subagents(db, source.agent, prepared.entries, prepared.roots)
    entries = reported
    if any_forgotten and source.forgotten_too:
        tombstones.remove_tombstones(db, source.agent, reported)
    elif any_forgotten:
        entries = tombstones.without_forgotten(db, source.agent, reported, prepared.roots, rank=source.rank)
    # The context may hold texts of what is left out, such as the command of a call that is still open.
    context = prepared.context if len(entries) == len(reported) else prepared.context_without_text
    position = (prepared.cursor, context, prepared.size, prepared.mtime_ns)
    db.execute(_ADVANCE, (*place, seen_rev + 1, *position))
    displaced: dict[int, int] = {}
    if any_foreign:
        threads.displace_foreign(db, source.agent, entries)
        displaced = threads.rebuild_changed(db, reducer, source, more=prepared.more)
    if any_lost:
        restore_lost(db, entries)
    batch = msgspec.structs.replace(prepared, entries=entries)
    commit = store_entries(db, reducer, source, batch)
    _store_tokens(db, source, prepared, any_forgotten=bool(any_forgotten))
    forgotten = len(reported) - len(entries)
    return msgspec.structs.replace(commit, forgotten=forgotten, projects=displaced | commit.projects)


def store_entries(
    db: sqlite3.Connection,
    reducer: Reducer,
    source: Source,
    prepared: PreparedBatch,
    *,
    machine: str = "",
) -> Committed:
    """Stores the entries that are new, and updates sessions, threads and digests. `machine`: the other machine that
    recorded them."""
    entries = prepared.entries
    projects: dict[int, int] = {}
    reemitted = {(each.session, each.subagent_id or ""): each for each in prepared.reemitted}
    new = _unknown(db, [entry for entry in entries if entry.thread not in reemitted])
    again = [entry for entry in entries if entry.thread in reemitted]
    of_session = grouped([*new, *again], lambda entry: entry.event.session)
    # Known ones count too: what they retract may have been lost.
    retracting = grouped((entry for entry in entries if entry.switches), lambda entry: entry.event.session)
    # So do those that name the folder only now: a client may write it down after the conversation.
    naming = grouped((entry for entry in entries if entry.event.cwd in prepared.roots), lambda e: e.event.session)
    stored: list[ReadyEvent] = []
    for native_id in dict.fromkeys([*of_session, *(session for session, _ in reemitted), *retracting, *naming]):
        of_thread = grouped(of_session.get(native_id, []), lambda entry: entry.thread)
        session = _session(db, source, native_id, of_session.get(native_id, []))
        if session is None or session.rank != rank_of(source.rank, of_session.get(native_id, ())):
            continue
        if machine:
            db.execute(_OF_MACHINE, (machine, session.id))
        for thread in (thread for thread in reemitted if thread[0] == native_id):
            of_thread[thread] = threads.reemit(db, source.agent, session, reemitted[thread], of_thread.get(thread, []))
        if fresh := list(chain.from_iterable(of_thread.values())):
            projects |= _add_to_session(db, reducer, session, fresh, prepared.roots)
            stored += fresh
        elif session.project_id is None:
            projects |= _place(db, session, naming.get(native_id, []), prepared.roots)
        threads.retract(db, session, retracting.get(native_id, []))
    projects |= threads.rebuild_changed(db, reducer, source, more=prepared.more)
    _count(db, stored, prepared.oversized)
    count_skipped(db, source.agent, prepared.skipped, at_ms=prepared.mtime_ns // 1_000_000)
    return Committed(
        new_events=len(stored),
        projects=projects,
        newest_ms=max((entry.event.at_ms for entry in stored), default=0),
        turn_ended=any(_ends_turn(entry.event) for entry in stored),
    )


def _store_tokens(db: sqlite3.Connection, source: Source, prepared: PreparedBatch, *, any_forgotten: bool) -> None:
    """Stores the tokens and windows of a batch inside the open transaction, after its events."""
    used: Sequence[TokensUsed] = prepared.tokens
    if used and any_forgotten and not source.forgotten_too:
        used = tombstones.tokens_not_forgotten(db, source.agent, used)
    if used:
        rows = (
            (
                identity(b"tokens", source.agent, one.key),
                source.agent,
                one.session,
                one.at_ms,
                one.model or "",
                one.input,
                one.output,
                one.cache_read,
                one.cache_write,
                source.rank,
            )
            for one in used
        )
        db.executemany(_PUT_TOKENS, rows)
    if prepared.windows:
        db.executemany(_PUT_WINDOW, [(source.agent, *astuple(window)) for window in prepared.windows])


def restore_lost(db: sqlite3.Connection, entries: Iterable[ReadyEvent], machine: str = "") -> None:
    """Gives events whose bodies were damaged those of `entries`, which `machine` recorded."""
    db.executemany(_RESTORE, [(entry.body, entry.key, machine) for entry in entries])


def _ends_turn(event: Event) -> bool:
    body = event.body
    is_end = isinstance(body, TurnEnd) or (isinstance(body, AssistantMessage) and body.final is True)
    return is_end and event.subagent_id is None


def _unknown(db: sqlite3.Connection, entries: Sequence[ReadyEvent]) -> list[ReadyEvent]:
    keys = among(db, "event", "key", [entry.key for entry in entries])
    given = [entry.secondary_key for entry in entries if entry.secondary_key is not None]
    secondary_keys: set[bytes | None] = {*among(db, "event", "secondary_key", given)}
    unknown = []
    for entry in entries:
        if entry.key not in keys and entry.secondary_key not in secondary_keys:
            unknown.append(entry)
            keys.add(entry.key)
            secondary_keys |= {entry.secondary_key} - {None}
    return unknown


def _session(
    db: sqlite3.Connection, source: Source, native_id: str, entries: Sequence[ReadyEvent]
) -> SessionInLedger | None:
    """Returns the session's row as `entries` make it, if it has one. It keeps the rank of a better source."""
    if not entries:
        return sessions.find_session(db, source.agent, native_id)
    times = [entry.event.at_ms for entry in entries if entry.event.at_ms > 0]
    known: dict[str, str] = {}
    for entry in entries:
        body = entry.event.body
        if isinstance(body, SessionInfo) and entry.event.subagent_id is None:
            known.update({name: value for name, value in msgspec.structs.asdict(body).items() if value is not None})
    span = {"first_ms": min(times, default=0), "last_ms": max(times, default=0)}
    info = SessionInfo(**known)
    rank = rank_of(source.rank, entries)
    session = sessions.upsert_session(db, source.agent, native_id, info, **span, rank=rank)
    return threads.supersede(db, session, rank, **span) if session.rank < rank else session


def _add_to_session(
    db: sqlite3.Connection,
    reducer: Reducer,
    session: SessionInLedger,
    entries: Sequence[ReadyEvent],
    roots: Mapping[str, ProjectRoot],
) -> dict[int, int]:
    touched = _place(db, session, entries, roots)
    for (_, subagent_id), theirs in grouped(entries, lambda entry: entry.thread).items():
        thread = threads.open_thread(db, reducer, session.id, subagent_id)
        ((newest,),) = db.execute("SELECT coalesce(max(id), 0) FROM event")
        numbered = list(enumerate(theirs, start=newest + 1))
        rows = [(number, e.key, e.secondary_key, thread.id, e.event.at_ms, e.body) for number, e in numbered]
        db.executemany(_PUT_EVENT, rows)
        bodies = [(number, thread.id, entry.event.at_ms, entry.event.body) for number, entry in numbered]
        index_new(db, bodies)
        new = [
            as_reduced(number, entry.event.at_ms, entry.event.body, session.native_id, subagent_id)
            for number, entry in numbered
        ]
        threads.reduce_on(db, reducer, thread, new)
    return touched


def _place(
    db: sqlite3.Connection, session: SessionInLedger, entries: Sequence[ReadyEvent], roots: Mapping[str, ProjectRoot]
) -> dict[int, int]:
    """Assigns the session to the project that `entries` tell, if any; returns what `mark_changed` does of the projects
    that this changes."""
    project_id = sessions.assign_project(db, session, [entry.event for entry in entries], roots)
    return sessions.mark_changed(db, {each for each in (session.project_id, project_id) if each is not None})


def _count(db: sqlite3.Connection, stored: Iterable[ReadyEvent], oversized: int) -> None:
    """Counts the secrets removed from what was stored, and the records that were too long to read."""
    counts: Counter[str] = Counter()
    for entry in stored:
        counts.update({f"redacted:{kind}": n for kind, n in entry.redacted.items()})
    if oversized:
        counts["oversized"] = oversized
    if counts:
        db.executemany(_COUNT, list(counts.items()))


def count_skipped(db: sqlite3.Connection, agent: str, skipped: Sequence[Skipped], *, at_ms: int) -> None:
    """Counts records that were not understood, by version, type and reason."""
    if not skipped:
        return
    ((rows,),) = db.execute("SELECT count(*) FROM skipped")
    # A source full of invented types must not fill the table. The total stays correct.
    crowded = rows >= _SKIPPED_ROWS
    counts = Counter(
        (skip.version or "", "(other)" if crowded else skip.record_type[:_RECORD_TYPE_CHARS], skip.reason)
        for skip in skipped
    )
    db.executemany(_COUNT_SKIPPED, [(agent, *what, n, at_ms) for what, n in counts.items()])
