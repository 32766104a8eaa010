"""Removes sessions, or a period of them, inside the open transaction, and leaves tombstones.

The context stored with a source's position may hold content. If a source names a forgotten conversation in its path or
context, it is read again from its beginning when it changes, and the tombstones skip what was forgotten.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Final

import msgspec

from carryover.ledger import tombstones
from carryover.ledger.codec import decode_body, is_of
from carryover.ledger.queries import SELECTED, Selection
from carryover.ledger.search_index import clear_index
from carryover.ledger.sessions import LAST_PROJECT, mark_changed
from carryover.ledger.threads import Reducer, rebuild_changed
from carryover.ledger.tombstones import Tombstone, Tombstones
from carryover.model import SessionInfo, conversation_of

_FOREVER_MS: Final = 2**62
"""Later than any time: forgetting a whole session includes events whose clock was ahead."""

_SELECTED: Final = f"""SELECT id, agent, native_id, rank, project_id, recorded_project_id FROM session
    WHERE {SELECTED} ORDER BY id"""
_SESSIONS: Final = "SELECT value FROM json_each(:sessions)"
_CHOSEN: Final = f"""thread_id IN (SELECT id FROM thread WHERE session_id IN ({_SESSIONS}))
    AND at_ms >= :since AND at_ms < :until"""
_KEYS_AT_ONCE: Final = 10_000
_REMOVE: Final = (
    f"DELETE FROM event WHERE {_CHOSEN}",
    f"DELETE FROM tokens WHERE session_id IN ({_SESSIONS}) AND at_ms >= :since AND at_ms < :until",
    f"""DELETE FROM thread WHERE session_id IN ({_SESSIONS})
        AND NOT EXISTS (SELECT 1 FROM event WHERE thread_id = thread.id)""",
    f"""DELETE FROM session WHERE id IN ({_SESSIONS})
        AND NOT EXISTS (SELECT 1 FROM thread WHERE session_id = session.id)""",
)
_INFOS: Final = f"""SELECT session_id, body FROM thread JOIN event ON thread_id = thread.id
    WHERE session_id IN ({_SESSIONS}) AND retracted = 0 AND {is_of("session_info")} ORDER BY event.id"""
_UPDATE: Final = """UPDATE session SET title = :title,
    last_ms = (SELECT coalesce(max(last_ms), 0) FROM thread WHERE session_id = :id),
    started_ms = coalesce((SELECT min(at_ms) FROM event JOIN thread ON thread.id = thread_id
        WHERE session_id = :id AND at_ms > 0), started_ms) WHERE id = :id"""
_CAME: Final = """WITH RECURSIVE came(id) AS (SELECT id FROM project WHERE {}
    UNION SELECT project.id FROM project, came WHERE project.moved_to = came.id)"""
_FORMER_ROOTS: Final = f"{_CAME.format('root = ?')} SELECT root FROM project WHERE id IN came"
_UNUSED: Final = f"""{_CAME.format("id IN (SELECT value FROM json_each(:touched))")}
    SELECT id FROM project WHERE (:all OR id IN came)
    AND NOT EXISTS (SELECT 1 FROM session WHERE project.id IN (project_id, recorded_project_id))
    AND NOT EXISTS (SELECT 1 FROM session WHERE session.project_id = project.moved_to)"""
_KEEP_ID: Final = """INSERT INTO counter (name, n) VALUES (?, ?)
    ON CONFLICT (name) DO UPDATE SET n = max(n, excluded.n)"""
_GONE_OF: Final = """DELETE FROM source WHERE agent = :agent AND state = 'gone'
    AND instr(CAST(path AS BLOB), CAST(:conversation AS BLOB)) > 0"""
_GIVE_UP_POSITION: Final = """UPDATE source SET cursor = NULL, context = x'' WHERE agent = :agent
    AND (instr(CAST(path AS BLOB), CAST(:conversation AS BLOB)) > 0
        OR instr(context, CAST(:conversation AS BLOB)) > 0)"""
# A read in progress was parsed with a context from before.
_READ_AGAIN: Final = "UPDATE source SET rev = rev + 1 WHERE agent = ?"
_OF_EVERYTHING: Final = (
    "DELETE FROM source WHERE state = 'gone'",
    "UPDATE source SET cursor = NULL, context = x'', rev = rev + 1",
    "DELETE FROM skipped",
    "DELETE FROM incident",
    "DELETE FROM limit_window",
)


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """The result of forgetting. `conversations` holds agent and conversation id of each session that lost something."""

    sessions: int = 0
    conversations: tuple[tuple[str, str], ...] = ()
    changed: tuple[int, ...] = ()
    """Projects that still have sessions and whose handoff changes."""
    gone: tuple[int, ...] = ()
    """Projects without a session, which were removed too. Their ids are never reused."""


def forget(db: sqlite3.Connection, reducer: Reducer, selection: Selection, *, now_ms: int) -> Forgotten:
    """Removes what `selection` names and excludes it from what is read later. `now_ms`: UTC."""
    rows = list(db.execute(_SELECTED, selection.values(now_ms)))
    span = (0, _FOREVER_MS) if not selection.in_part else selection.span(now_ms)
    if selection.is_everything:
        clear_index(db)  # as a whole and not event by event
    _remove(db, reducer, [int(row[0]) for row in rows], span)
    if selection.is_everything:
        clear_index(db)  # again: what is left to index ends where the events do
    sessions = [(str(agent), str(native_id), int(rank)) for _, agent, native_id, rank, *_ in rows]
    _leave_tombstones(db, selection, sessions, now_ms)
    conversations = tuple(dict.fromkeys((agent, conversation_of(session)) for agent, session, _ in sessions))
    _clear_sources(db, selection, conversations)
    touched: set[int] = set()
    for *_, placed, recorded in rows:
        touched.update(int(project) for project in (placed, recorded) if project is not None)
    gone = _remove_unused_projects(db, selection, touched)
    changed = tuple(sorted(touched - gone))
    mark_changed(db, changed)
    return Forgotten(sessions=len(rows), conversations=conversations, changed=changed, gone=tuple(sorted(gone)))


def _remove(db: sqlite3.Connection, reducer: Reducer, sessions: Sequence[int], span: tuple[int, int]) -> None:
    """Removes what the sessions have within `span`, and those left with nothing; leaves tombstones."""
    values = {"sessions": msgspec.json.encode(sessions).decode(), "since": span[0], "until": span[1]}
    # Left open by an error, as on a full disk, it would keep the log in use, and the ledger could not be closed.
    with closing(db.execute(f"SELECT key FROM event WHERE {_CHOSEN}", values)) as chosen:
        while rows := chosen.fetchmany(_KEYS_AT_ONCE):
            keys = tuple(tombstones.short_key(key) for (key,) in rows)
            tombstones.put_tombstones(db, Tombstones(keys=keys))
    for statement in _REMOVE:
        db.execute(statement, values)
    rebuild_changed(db, reducer)
    titles: dict[int, str] = {}
    for session_id, stored in db.execute(_INFOS, values):
        info = decode_body(stored)
        if isinstance(info, SessionInfo) and info.title is not None:
            titles[session_id] = info.title
    db.executemany(_UPDATE, [{"id": session, "title": titles.get(session)} for session in sessions])


def _leave_tombstones(
    db: sqlite3.Connection, selection: Selection, sessions: Sequence[tuple[str, str, int]], now_ms: int
) -> None:
    """Leaves tombstones for what is selected, even if it has not been read yet. `sessions`: agent, id and rank."""
    of_sessions = {tombstones.session_scope(agent, session) for agent, session, _ in sessions}
    here = {tombstones.EVERYTHING}
    if selection.session is not None:
        here = {tombstones.session_scope(selection.agent or "", selection.session)}
    elif selection.conversation is not None:
        here = {tombstones.conversation_scope(selection.agent or "", selection.conversation)}
    elif selection.root is not None:
        former = [root for (root,) in db.execute(_FORMER_ROOTS, (selection.root,))]
        here = {tombstones.project_scope(root) for root in (selection.root, *former)} | of_sessions
    # A session read from its best source: what lesser sources have of it was never stored and has no keys.
    of_rank = [
        Tombstone(tombstones.session_scope(agent, session), 0, 0, rank) for agent, session, rank in sessions if rank > 0
    ]
    span = selection.span(now_ms)
    tombstones.put_tombstones(db, Tombstones((*(Tombstone(scope, *span) for scope in sorted(here)), *of_rank)))


def _clear_sources(db: sqlite3.Connection, selection: Selection, conversations: Iterable[tuple[str, str]]) -> None:
    if selection.is_everything:
        for statement in _OF_EVERYTHING:
            db.execute(statement)
    for agent, conversation in conversations:
        for statement in (_GONE_OF, _GIVE_UP_POSITION):
            db.execute(statement, {"agent": agent, "conversation": conversation})
    for agent in sorted({agent for agent, _ in conversations}):
        db.execute(_READ_AGAIN, (agent,))


def _remove_unused_projects(db: sqlite3.Connection, selection: Selection, touched: Iterable[int]) -> set[int]:
    asked = {"all": selection.is_everything, "touched": msgspec.json.encode(sorted(touched)).decode()}
    unused = {int(project) for (project,) in db.execute(_UNUSED, asked)}
    for statement in ("UPDATE project SET moved_to = NULL WHERE moved_to = ?", "DELETE FROM project WHERE id = ?"):
        db.executemany(statement, [(project,) for project in unused])
    if unused:
        db.execute(_KEEP_ID, (LAST_PROJECT, max(unused)))
    return unused
