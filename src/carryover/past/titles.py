"""What sessions are called, and the commands that show their turns. Read-only and blocking."""

from __future__ import annotations

import sqlite3
from typing import Final

from carryover.distill.closed_classes import begins_with_reply
from carryover.distill.digest import Gist
from carryover.distill.goals import goal_of, only_goes_on, states_goal, task_of
from carryover.ledger.queries import sessions_before
from carryover.ledger.rows import SessionRow
from carryover.model import NOTE, id_in_command
from carryover.publish.digests import session_gist
from carryover.text.harmless import one_line

_GOES_ON: Final = "(continues from the handoff)"
"""What a session is called that `carryover to` began, if no earlier work is recorded, until the user asks for something
in it."""
_MOST_BEFORE: Final = 20
"""So many earlier sessions of the project are asked what a session continues."""


def title_of(ledger: sqlite3.Connection, row: SessionRow) -> str:
    """Returns what a session is called everywhere: its first prompt with a goal, or else the title that its agent gave
    it, if that names work, or else the work that it continues, or else its first words, or that it goes on with a
    handoff; on one line, empty if there is none of these."""
    return titled(ledger, row, session_gist(ledger, row))


def titled(ledger: sqlite3.Connection, row: SessionRow, digest: Gist) -> str:
    """Returns the same of a session whose digest was read."""
    agents_title = one_line(row.title or "")
    if row.agent == NOTE:  # the user named it
        return agents_title
    goal, words = goal_of(digest), one_line(task_of(digest) or "")
    if words and goal is not None and states_goal(goal):
        return words
    if agents_title and not agents_title.startswith("#") and not begins_with_reply(agents_title):
        return agents_title
    if only_goes_on(digest) and (task := _task_before(ledger, row)):
        return f"Continues: {task}"
    goes_on = _GOES_ON if any(turn.resumes for turn in digest.turns) else ""
    return words or agents_title or goes_on


def _task_before(ledger: sqlite3.Connection, row: SessionRow) -> str:
    """Returns the task of the project's newest work before a session; empty if no session there states a goal."""
    digests = (session_gist(ledger, earlier) for earlier in sessions_before(ledger, row, limit=_MOST_BEFORE))
    goals = ((goal_of(digest), digest) for digest in digests)
    return next((task_of(digest) or "" for goal, digest in goals if goal is not None and states_goal(goal)), "")


def show_command(session: str, turn: int, *, subagent: bool = False) -> str:
    """Returns the command that shows a turn of a session, by its id or the beginning of one.

    Turn 0, what was before the first prompt, is shown with the whole session. A sub-agent's work is only in the full
    account of a turn.
    """
    options = (*(["--turn", str(turn)] if turn else []), *(["--full"] if subagent else []))
    return " ".join(("carryover", "show", id_in_command(session), *options))
