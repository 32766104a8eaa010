"""Assigns sessions to projects, and sub-agents to sessions. Everything runs inside the open transaction.

A sub-agent's transcript names the folder that it works in (`session_in_other_cwd`). Whether it belongs to the
conversation depends on whether that is in the same project, which only the ledger knows. Each session keeps the project
it was recorded in.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from carryover.facts import ProjectRoot
from carryover.ledger.batch import ReadyEvent, in_parts
from carryover.ledger.rows import as_record
from carryover.model import NOTE, Event, SessionInfo, conversation_of, session_in_other_cwd

# A source of lower rank changes nothing.
_UPSERT_SESSION: Final = """INSERT INTO session
    (agent, native_id, title, agent_version, model, branch, parent, started_ms, last_ms, rank)
    VALUES (:agent, :native_id, :title, :agent_version, :model, :branch, :parent, :first_ms, :last_ms,
        :rank)
    ON CONFLICT (agent, native_id) DO UPDATE SET
        title = coalesce(excluded.title, title), agent_version = coalesce(excluded.agent_version, agent_version),
        model = coalesce(excluded.model, model), branch = coalesce(excluded.branch, branch),
        parent = coalesce(excluded.parent, parent), last_ms = max(last_ms, excluded.last_ms),
        started_ms = CASE WHEN excluded.started_ms > 0 AND (started_ms = 0 OR excluded.started_ms < started_ms)
            THEN excluded.started_ms ELSE started_ms END
    WHERE :rank >= rank"""
_SESSION: Final = """SELECT id, native_id, project_id, project_final != 0, rank FROM session
    WHERE agent = ? AND native_id = ?"""
LAST_PROJECT: Final = "last_project"
"""The counter with the highest id of a removed project. No id is reused, since the daemon may still have work pending
for it."""

_UPSERT_PROJECT: Final = f"""INSERT INTO project (id, root, main_root) VALUES (1 + max(
        (SELECT coalesce(max(id), 0) FROM project),
        coalesce((SELECT n FROM counter WHERE name = '{LAST_PROJECT}'), 0)), ?, ?)
    ON CONFLICT (root) DO UPDATE SET main_root = excluded.main_root, identity = CASE
        WHEN main_root IS excluded.main_root AND (main_root IS NOT NULL OR moved_to IS NULL) THEN identity END
    WHERE ?"""
"""What is at a path now may be another project than the one that moved away, or than a worktree that was there: that
one's identity is not its own. A folder that is gone tells nothing."""
_ASSIGN_PROJECT: Final = "UPDATE session SET project_id = ?, recorded_project_id = ?, project_final = ? WHERE id = ?"
_CURRENT_PROJECT: Final = """WITH RECURSIVE way(id, moved_to) AS (SELECT id, moved_to FROM project WHERE id = ?
    UNION SELECT project.id, project.moved_to FROM project JOIN way ON project.id = way.moved_to)
    SELECT id FROM way WHERE moved_to IS NULL"""
_EXISTS_AGAIN: Final = "UPDATE project SET moved_to = NULL WHERE id = ? AND moved_to IS NOT NULL"
_MARK_CHANGED: Final = """UPDATE project SET
    last_event_ms = (SELECT coalesce(max(last_ms), 0) FROM session WHERE project_id = project.id),
    changed_ms = CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)
    WHERE id = :id"""
_HOME: Final = """SELECT root FROM session JOIN project ON project.id = project_id
    WHERE agent = ? AND native_id = ? AND project_final AND machine = ''"""
_WAITING: Final = """SELECT id FROM session
    WHERE agent = (SELECT agent FROM session WHERE id = :to) AND native_id >= :first AND native_id < :end
    AND project_id = :project AND machine = (SELECT machine FROM session WHERE id = :to)
    AND NOT EXISTS (SELECT 1 FROM thread WHERE session_id = session.id
        AND (subagent_id = '' OR subagent_id IN (SELECT subagent_id FROM thread WHERE session_id = :to)))"""
_MOVE: Final = (
    """UPDATE session SET last_ms = max(last_ms, (SELECT last_ms FROM session WHERE id = :from)),
        started_ms = coalesce(min(nullif(started_ms, 0),
            (SELECT nullif(started_ms, 0) FROM session WHERE id = :from)), started_ms)
        WHERE id = :to""",
    "UPDATE thread SET session_id = :to WHERE session_id = :from",
    "DELETE FROM session WHERE id = :from",
)
_MOVE_PROJECT: Final = (
    # A session that returns to its original project is no longer a moved one.
    """UPDATE session SET project_id = :new,
        recorded_project_id = nullif(coalesce(recorded_project_id, :old), :new)
        WHERE project_id = :old""",
    "UPDATE project SET moved_to = NULL WHERE id = :new",
    "UPDATE project SET moved_to = :new, not_moved = 0 WHERE id = :old",
)
_HELD: Final = f"SELECT count(*), count(*) FILTER (WHERE agent = '{NOTE}') FROM session WHERE project_id = ?"
_AWAY: Final = f"""WITH RECURSIVE came(id) AS (SELECT :old UNION SELECT project.id FROM project, came
    WHERE project.moved_to = came.id)
    SELECT id, project_id, agent = '{NOTE}' FROM session WHERE recorded_project_id IN came AND project_id != :old"""
_BACK: Final = """UPDATE session SET project_id = :old, recorded_project_id = nullif(recorded_project_id, :old)
    WHERE id = :session"""


class SessionInLedger(msgspec.Struct, frozen=True, kw_only=True):
    """A session's row. `final`: its main conversation has decided its project. `rank`: that of its best source so
    far."""

    id: int
    native_id: str
    project_id: int | None
    final: bool
    rank: int


def upsert_session(
    db: sqlite3.Connection,
    agent: str,
    native_id: str,
    info: SessionInfo,
    *,
    first_ms: int,
    last_ms: int,
    rank: int,
) -> SessionInLedger:
    """Creates or updates the session's row, unless a source better than `rank` has. Times: UTC ms."""
    row_of = {"agent": agent, "native_id": native_id, "first_ms": first_ms, "last_ms": last_ms, "rank": rank}
    db.execute(_UPSERT_SESSION, {**row_of, **msgspec.structs.asdict(info)})
    (row,) = db.execute(_SESSION, (agent, native_id))
    return as_record(SessionInLedger, row)


def find_session(db: sqlite3.Connection, agent: str, native_id: str) -> SessionInLedger | None:
    """Returns the session's row; None if it is unknown."""
    rows = db.execute(_SESSION, (agent, native_id))
    return next((as_record(SessionInLedger, row) for row in rows), None)


def assign_project(
    db: sqlite3.Connection,
    session: SessionInLedger,
    events: Iterable[Event],
    roots: Mapping[str, ProjectRoot],
) -> int | None:
    """Returns the id of the session's project, which the first folder in its main conversation determines.

    Until that is known, a sub-agent's folder determines it.
    """
    if session.final:
        return session.project_id
    known = [event for event in events if event.cwd in roots]
    main = next((event for event in known if event.subagent_id is None), None)
    if main is None and (session.project_id is not None or not known):
        return session.project_id
    root = roots[(main or known[0]).cwd or ""]
    recorded_project_id = know_project(db, root.root, root.main_root, gone=root.gone)
    project_id = recorded_project_id
    if root.gone:
        project_id = current_project(db, recorded_project_id)
    else:
        # Another folder is now at the path from which one was moved away: a separate project.
        db.execute(_EXISTS_AGAIN, (recorded_project_id,))
    moved_from = recorded_project_id if recorded_project_id != project_id else None
    db.execute(_ASSIGN_PROJECT, (project_id, moved_from, main is not None, session.id))
    if main is not None and conversation_of(session.native_id) == session.native_id:
        adopt_subagents(db, session.id, session.native_id, project_id)
    return project_id


def know_project(db: sqlite3.Connection, root: str, main_root: str | None, *, gone: bool = False) -> int:
    """Returns the id of the project at `root`, creating it if it is new. `gone`: its folder is no longer there."""
    db.execute(_UPSERT_PROJECT, (root, main_root, not gone))
    ((project_id,),) = db.execute("SELECT id FROM project WHERE root = ?", (root,))
    return int(project_id)


def note_identity(db: sqlite3.Connection, project_id: int, identity: str | None) -> None:
    """Stores what identifies the project's folder, so that it is found again under another path."""
    db.execute("UPDATE project SET identity = ? WHERE id = ?", (identity, project_id))


def current_project(db: sqlite3.Connection, project_id: int) -> int:
    """Returns the id of the project that this one was moved to, over any number of moves; its own without a move."""
    rows = db.execute(_CURRENT_PROJECT, (project_id,))
    return next((int(found) for (found,) in rows), project_id)


def mark_changed(db: sqlite3.Connection, projects: Iterable[int]) -> dict[int, int]:
    """Marks `projects` as changed, with the time of the last event in each (UTC ms), which is returned."""
    changed = sorted(projects)
    db.executemany(_MARK_CHANGED, [{"id": project} for project in changed])
    newest: dict[int, int] = {}
    for marks, some in in_parts(changed):
        rows = db.execute(f"SELECT id, last_event_ms FROM project WHERE id IN ({marks})", some)
        newest |= {int(project): int(last_event_ms) for project, last_event_ms in rows}
    return newest


def resolve_subagents(
    db: sqlite3.Connection, agent: str, entries: Sequence[ReadyEvent], roots: Mapping[str, ProjectRoot]
) -> list[ReadyEvent]:
    """Returns the entries with each sub-agent moved to its conversation's session if both are in the same project."""
    homes: dict[str, str | None] = {}
    found = []
    for entry in entries:
        event = entry.event
        conversation = conversation_of(event.session)
        root = roots.get(event.cwd or "")
        if event.subagent_id is not None and conversation != event.session and root is not None:
            if conversation not in homes:
                rows = db.execute(_HOME, (agent, conversation))
                homes[conversation] = next((home for (home,) in rows), None)
            if homes[conversation] == root.root:
                entry = msgspec.structs.replace(entry, event=msgspec.structs.replace(event, session=conversation))
        found.append(entry)
    return found


def adopt_subagents(db: sqlite3.Connection, session_id: int, conversation: str, project_id: int) -> None:
    """Moves sub-agents that were read before their conversation into it, now that its project is known."""
    ends = {"first": session_in_other_cwd(conversation, ""), "end": session_in_other_cwd(conversation, "\U0010ffff")}
    theirs = {"to": session_id, "project": project_id, **ends}
    for (other,) in db.execute(_WAITING, theirs).fetchall():
        for statement in _MOVE:
            db.execute(statement, {"from": other, "to": session_id})


def adopt_all(db: sqlite3.Connection, project_id: int) -> None:
    """Moves the sub-agents that worked in a folder which has become part of the project into their conversations
    there."""
    rows = db.execute("SELECT agent, native_id FROM session WHERE project_id = ?", (project_id,))
    parts = {(agent, conversation_of(name)) for agent, name in rows if conversation_of(name) != name}
    for agent, conversation in sorted(parts):
        main = find_session(db, agent, conversation)
        if main is not None and main.project_id == project_id:
            adopt_subagents(db, main.id, conversation, project_id)


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """How many sessions changed their project, of which some are notes and pins, and the ids of the `projects` whose
    handoff that affects."""

    sessions: int = 0
    notes: int = 0
    projects: tuple[int, ...] = ()


def move_project(db: sqlite3.Connection, old: int, new: int) -> Moved:
    """Assigns the sessions recorded in `old` to `new`, including later ones as long as the folder of `old` is gone.
    Idempotent."""
    if old == new or current_project(db, old) == new:
        return Moved()
    ((sessions, notes),) = db.execute(_HELD, (old,))
    for statement in _MOVE_PROJECT:
        db.execute(statement, {"old": old, "new": new})
    mark_changed(db, (old, new))
    return Moved(sessions=sessions, notes=notes, projects=(old, new) if sessions else ())


def move_back(db: sqlite3.Connection, old: int) -> Moved:
    """Undoes the move of `old`, which gets its sessions back. From then on, it counts as moved only if the user says
    so."""
    away = list(db.execute(_AWAY, {"old": old}))
    db.executemany(_BACK, [{"old": old, "session": session} for session, *_ in away])
    db.execute("UPDATE project SET moved_to = NULL, not_moved = 1 WHERE id = ?", (old,))
    touched = {old, *(placed for _, placed, _ in away)}
    mark_changed(db, touched)
    notes = sum(is_note for *_, is_note in away)
    return Moved(sessions=len(away), notes=notes, projects=tuple(sorted(touched)) if away else ())
