"""Lists recorded sessions as data. Blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from carryover.distill.closed_classes import begins_with_reply
from carryover.distill.digest import Digest
from carryover.distill.trail import goal_of, states_goal, task_of
from carryover.ledger.queries import SessionRow, project_by_root, session_ids, sessions, shortest_unique
from carryover.model import NOTE
from carryover.publish.project_view import session_digest
from carryover.text.lines import one_line


def show_command(session: str, turn: int, *, subagent: bool = False) -> str:
    """Returns the command that shows a turn of a session, by its id or the beginning of one.

    Turn 0, what was before the first prompt, is shown with the whole session. A sub-agent's work is only in the full
    account of a turn.
    """
    words = ["carryover", "show", session, *(["--turn", str(turn)] if turn else []), *(["--full"] if subagent else [])]
    return " ".join(words)


def listed_sessions(
    ledger: sqlite3.Connection,
    root: str | None,
    *,
    limit: int,
    agent: str | None = None,
    since_ms: int | None = None,
    branch: str | None = None,
) -> list[dict[str, Any]]:
    """Returns entries for the newest `limit` sessions of the project at `root`, or of all projects; newest first."""
    project = project_by_root(ledger, root) if root is not None else None
    if root is not None and project is None:
        return []
    project_id = project.id if project else None
    rows = sessions(ledger, project_id, limit=limit, agent=agent, since_ms=since_ms, branch=branch)
    return session_entries(ledger, rows)


def session_entries(ledger: sqlite3.Connection, rows: Iterable[SessionRow]) -> list[dict[str, Any]]:
    """Returns the list entries of `rows`, without sessions that the daemon has dropped in the meantime."""
    short = shortest_unique(session_ids(ledger))
    return [session_entry(ledger, row, short[row.native_id]) for row in rows if row.native_id in short]


def title_of(ledger: sqlite3.Connection, row: SessionRow) -> str:
    """Returns what a session is called everywhere: its first prompt with a goal, or else the title that its agent gave
    it, if that names work, or else its first words; on one line, empty if there is none of these."""
    return titled(row, session_digest(ledger, row))


def titled(row: SessionRow, digest: Digest) -> str:
    """Returns what a session with this digest is called."""
    given = one_line(row.title or "")
    if row.agent == NOTE:  # the user named it
        return given
    goal, words = goal_of(digest), task_of(digest) or ""
    is_asked = goal is not None and states_goal(goal)
    names_work = not given.startswith("#") and not begins_with_reply(given)
    return one_line(words) if is_asked or (words and not names_work) else given or one_line(words)


def session_entry(ledger: sqlite3.Connection, row: SessionRow, short: str) -> dict[str, Any]:
    """Returns a session's list entry. `short`: the shortest unique prefix of its id."""
    digest = session_digest(ledger, row)
    return {
        "id": row.native_id,
        "short": short,
        "agent": row.agent,
        "machine": row.machine or None,
        "agent_version": row.agent_version,
        "model": row.model,
        "project": row.root,
        "branch": row.branch,
        "title": titled(row, digest) or None,
        "task": task_of(digest),
        "prompts": digest.prompts,
        "started_ms": row.started_ms,
        "last_ms": row.last_ms,
    }
