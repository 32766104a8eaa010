"""Handles projects whose folder has moved: their sessions belong to the project at the new path until that is undone.

Each session keeps the project it was recorded in, so a wrong move loses nothing. Everything runs inside the open
transaction.
"""

from __future__ import annotations

from typing import Final

import aiosqlite
import msgspec

from carryover.ledger.sessions import current_project, mark_changed

_COUNT: Final = "SELECT count(*) FROM session WHERE project_id = ?"
_MOVE: Final = (
    # A session that returns to its original project is no longer a moved one.
    """UPDATE session SET project_id = :new,
        recorded_project_id = nullif(coalesce(recorded_project_id, :old), :new)
        WHERE project_id = :old""",
    "UPDATE project SET moved_to = NULL WHERE id = :new",
    "UPDATE project SET moved_to = :new, not_moved = 0 WHERE id = :old",
)
_AWAY: Final = """WITH RECURSIVE came(id) AS (SELECT :old UNION SELECT project.id FROM project, came
    WHERE project.moved_to = came.id)
    SELECT id, project_id FROM session WHERE recorded_project_id IN came AND project_id != :old"""
_BACK: Final = """UPDATE session SET project_id = :old, recorded_project_id = nullif(recorded_project_id, :old)
    WHERE id = :session"""
_KEEP_APART: Final = "UPDATE project SET moved_to = NULL, not_moved = 1 WHERE id = ?"


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """How many sessions changed their project, and the ids of the `projects` whose handoff that affects."""

    sessions: int = 0
    projects: tuple[int, ...] = ()


async def move_project(db: aiosqlite.Connection, old: int, new: int) -> Moved:
    """Assigns the sessions recorded in `old` to `new`, including later ones while its folder is gone. Idempotent."""
    if old == new or await current_project(db, old) == new:
        old_sessions = 0
    else:
        ((old_sessions,),) = await db.execute_fetchall(_COUNT, (old,))
        for statement in _MOVE:
            await db.execute_fetchall(statement, {"old": old, "new": new})
        await mark_changed(db, (old, new), started_ms=0)
    return Moved(sessions=old_sessions, projects=(old, new) if old_sessions else ())


async def move_back(db: aiosqlite.Connection, old: int) -> Moved:
    """Undoes the move of `old`, which gets back its sessions and those that had been moved to it.

    From then on it counts as moved only if the user says so.
    """
    away = list(await db.execute_fetchall(_AWAY, {"old": old}))
    for session, _ in away:
        await db.execute_fetchall(_BACK, {"old": old, "session": session})
    await db.execute_fetchall(_KEEP_APART, (old,))
    touched = {old, *(placed for _, placed in away)}
    await mark_changed(db, touched, started_ms=0)
    return Moved(sessions=len(away), projects=tuple(sorted(touched)) if away else ())
