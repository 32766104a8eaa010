"""Finds the turns that changed a file, and their prompts, for `carryover why`. Read-only and blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import PurePath
from typing import Final

import msgspec

from carryover.ledger.codec import may_be, read_body
from carryover.ledger.rows import ProjectRow
from carryover.ledger.search import EditRow, edits_of_name
from carryover.model import FileEdit, UserPrompt
from carryover.views.commit_links import path_in_project

_MOST_NAMES: Final = 20
"""Maximum number of a file's former names that are followed."""

_PROMPTS: Final = f"""SELECT id, body FROM event WHERE retracted = 0 AND {may_be("user_prompt")}
    AND thread_id = """
_OF_THREAD: Final = f"{_PROMPTS} ? AND id < ? ORDER BY id DESC"
_OF_SESSION: Final = f"""{_PROMPTS} (SELECT id FROM thread WHERE session_id = ? AND subagent_id = '')
    AND at_ms <= ? ORDER BY id DESC"""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One turn's change to a file. Times are UTC ms, 0 if unknown."""

    at_ms: int
    """Time of the turn's last edit."""
    agent: str
    session: str
    """The session's id in its agent."""
    subagent_id: str | None
    prompt: str | None
    """The user's request; None if no prompt is recorded before the edit."""
    change: str
    """`add`, `modify`, `delete` or `rename`: the last edit's, but `add` if the turn created the file."""
    path: str
    """The absolute path, as recorded."""
    old_path: str | None
    edits: int
    added: int | None
    """Number of lines; None if no edit of the turn reports it."""
    removed: int | None
    machine: str | None = None
    """The other machine that recorded the session; None if this one did."""


Edits = Mapping[int, tuple[EditRow, FileEdit]]
"""Edits by the id of their event."""


def changes_of(db: sqlite3.Connection, project: ProjectRow, path: str) -> list[Change]:
    """Returns the turns that changed the file at `path` (absolute), newest first.

    The file may no longer exist. Edits are matched by path relative to the project, so the result includes those made
    before the project was moved, in its worktrees, and under former names of the file.
    """
    return turns_of(db, edits_of(db, project, path))


def edits_of(db: sqlite3.Connection, project: ProjectRow, path: str) -> Edits:
    """Returns the edits of the file at `path` (absolute) that `changes_of` counts."""
    names = [path_in_project(path, (project.root,))]
    edits: dict[int, tuple[EditRow, FileEdit]] = {}
    for name in names:  # grows during the iteration
        for row in edits_of_name(db, project.id, project.root, PurePath(name).name):
            body = read_body(db, row.body)
            roots = (row.root, row.recorded_root)
            if not isinstance(body, FileEdit) or path_in_project(body.path, roots) != name:
                continue
            edits[row.event_id] = (row, body)
            former = path_in_project(body.old_path, roots) if body.old_path else name
            if former not in names and len(names) < _MOST_NAMES:
                names.append(former)
    return edits


def turns_of(db: sqlite3.Connection, edits: Edits) -> list[Change]:
    """Returns the turns that made the edits of one file, newest first."""
    turns: dict[tuple[int, int], Change] = {}
    for row, body in (edits[event_id] for event_id in sorted(edits)):
        prompt_id, prompt = _prompt_before(db, row)
        former = turns.get((row.session_id, prompt_id))
        turns[row.session_id, prompt_id] = Change(
            at_ms=max(row.at_ms, former.at_ms) if former is not None else row.at_ms,
            agent=row.agent,
            session=row.session,
            subagent_id=row.subagent_id or None,
            prompt=prompt,
            change="add" if former is not None and former.change == "add" and body.change == "modify" else body.change,
            path=body.path,
            old_path=body.old_path or (former.old_path if former is not None else None),
            edits=former.edits + 1 if former is not None else 1,
            added=_sum(former.added if former is not None else None, body.added),
            removed=_sum(former.removed if former is not None else None, body.removed),
            machine=row.machine or None,
        )
    return sorted(turns.values(), key=lambda change: change.at_ms, reverse=True)


def _prompt_before(db: sqlite3.Connection, row: EditRow) -> tuple[int, str | None]:
    """Returns row id and text of the prompt whose turn made the edit; 0 and None if there is none.

    A sub-agent's edit counts for the turn that was in progress in the main conversation.
    """
    statement, values = (
        (_OF_SESSION, (row.session_id, row.at_ms)) if row.subagent_id else (_OF_THREAD, (row.thread_id, row.event_id))
    )
    for event_id, stored in db.execute(statement, values):
        body = read_body(db, stored)
        if isinstance(body, UserPrompt) and body.actor == "human":
            return event_id, body.typed
    return 0, None


def _sum(former: int | None, number: int | None) -> int | None:
    return former if number is None else number + (former or 0)
