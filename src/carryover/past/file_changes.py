"""Finds the turns behind a file. Read-only and blocking."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import Final

import msgspec

from carryover.agents import agent_name
from carryover.distill.quotes import ASKED_CHARS, SHORT_REPLY, excerpt
from carryover.ledger.codec import is_of, read_body
from carryover.ledger.events import turn_of, turn_starts
from carryover.ledger.queries import short_ids
from carryover.ledger.rows import ProjectRow
from carryover.ledger.search import EditRow, edits_of_name
from carryover.model import AssistantMessage, UserPrompt
from carryover.past.links import WHOLE_SECOND_MS
from carryover.past.titles import show_command
from carryover.records.fields import path_in_project
from carryover.text.pasted import without_paste_marks

_MOST_NAMES: Final = 20
"""Maximum number of a file's former names that are followed."""
_PROMPTS: Final = f"""SELECT id, thread_id, body FROM event WHERE retracted = 0 AND {is_of("user_prompt")}
    AND thread_id = """
_OF_THREAD: Final = f"{_PROMPTS} ? AND id < ? ORDER BY id DESC"
_OF_SESSION: Final = f"""{_PROMPTS} (SELECT id FROM thread WHERE session_id = ? AND subagent_id = '')
    AND at_ms <= ? ORDER BY id DESC"""
_ANSWERS: Final = f"""SELECT body FROM event WHERE retracted = 0 AND {is_of("assistant_message")}
    AND thread_id = ? AND id < ? ORDER BY id DESC LIMIT 1"""


Edits = Sequence[EditRow]
"""Edits, oldest first."""


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """Something that an agent did in a session. `at_ms` is in UTC ms, 0 if unknown."""

    at_ms: int
    agent: str
    agent_name: str
    """Its display name, with the machine that it ran on if that is another."""
    session: str
    short: str
    """As much of the beginning of `session` as is unique."""
    machine: str | None
    """The other machine that recorded the session; None if this one did."""


class TurnChange(Act, frozen=True, kw_only=True):
    """One turn's change to a file, at the time of the turn's last edit.

    [newest, *_] = changes_of(db, project, "/srv/shop/cart.py")
    print(newest.prompt, newest.summary)  # Add a discount +12 -3
    """

    subagent_id: str | None
    prompt: str | None
    """The user's request; None if no prompt is recorded before the edit."""
    asked: str
    """The question that the agent had ended with, if the prompt is too short to say anything without it."""
    change: str
    """`add`, `modify`, `delete` or `rename`: the last edit's, but `add` if the turn created the file."""
    path: str
    old_path: str | None
    edits: int
    added: int | None
    """Number of lines; None if no edit of the turn reports it."""
    removed: int | None
    turn: int
    """Number of the turn in its session; 0 before the first prompt."""
    show: str
    """The command that shows the turn."""

    @property
    def summary(self) -> str:
        """What it did: `+12 -3`, `new +40`, `renamed`, or `edited` if the number of lines is unknown."""
        lines = [f"+{self.added}"] if self.added is not None else []
        lines += [f"-{self.removed}"] if self.removed else []
        what = {"add": "new", "delete": "deleted", "rename": "renamed"}.get(self.change, "" if lines else "edited")
        times = [f"({self.edits} edits)"] if self.edits > 1 else []
        return " ".join([*filter(None, [what]), *lines, *times])


def changes_of(
    db: sqlite3.Connection, project: ProjectRow | None, path: str, former: Iterable[tuple[str, int | None]] = ()
) -> list[TurnChange]:
    """Returns the turns that changed the file at `path` (absolute), newest first; see `edits_of`.

    What bears one of its `former` names after the rename is another file.
    """
    if project is None:
        return []
    edits = edits_of(db, project, path)
    for name, renamed_ms in former:
        until_ms = renamed_ms + WHOLE_SECOND_MS if renamed_ms is not None else math.inf
        edits += between(edits_of(db, project, str(Path(project.root, name))), -1, until_ms)
    return turns_of(db, edits)


def edits_of(db: sqlite3.Connection, project: ProjectRow | None, *paths: str) -> list[EditRow]:
    """Returns the edits of the file at `paths` (absolute), which may no longer exist; none without a project.

    They are matched by path relative to the project, so the result includes those made before the project was moved, in
    its worktrees, and under former names of the file.
    """
    if project is None:
        return []
    names = [path_in_project(path, project.root) for path in paths]
    edits: dict[int, EditRow] = {}
    for name in names:  # grows during the iteration
        for row in edits_of_name(db, project.id, project.root, PurePath(name).name):
            roots = (row.root, row.recorded_root)
            if path_in_project(row.body.path, *roots) != name:
                continue
            edits[row.event_id] = row
            former = path_in_project(row.body.old_path, *roots) if row.body.old_path else name
            if former not in names and len(names) < _MOST_NAMES:
                names.append(former)
    return sorted(edits.values(), key=lambda edit: (edit.at_ms, edit.event_id))


def between(edits: Edits, since_ms: int, until_ms: float) -> list[EditRow]:
    """Returns the edits after `since_ms` and until `until_ms` (UTC ms)."""
    return [edit for edit in edits if since_ms < edit.at_ms <= until_ms]


def turns_of(db: sqlite3.Connection, edits: Iterable[EditRow]) -> list[TurnChange]:
    """Returns the turns that made the edits of one file, in any order and each once or more often; newest first."""
    turns: dict[tuple[int, int], TurnChange] = {}
    rows = {row.event_id: row for row in edits}
    starts = {session: turn_starts(db, session) for session in {row.session_id for row in rows.values()}}
    short = short_ids(db, (row.session for row in rows.values()))
    for _, row in sorted(rows.items()):
        prompt_id, prompt, asked = _prompt_before(db, row)
        turn = turn_of(starts[row.session_id], row.event_id, row.at_ms, row.subagent_id)
        change = TurnChange(
            at_ms=row.at_ms,
            agent=row.agent,
            agent_name=agent_name(row.agent, row.machine),
            session=row.session,
            short=short.get(row.session, row.session),
            subagent_id=row.subagent_id,
            prompt=prompt,
            asked=asked,
            change=row.body.change,
            path=row.body.path,
            old_path=row.body.old_path,
            edits=1,
            added=row.body.added,
            removed=row.body.removed,
            machine=row.machine or None,
            turn=turn,
            show=show_command(row.session, turn, subagent=row.subagent_id is not None),
        )
        former = turns.get((row.session_id, prompt_id))
        turns[row.session_id, prompt_id] = change if former is None else _joined(former, change)
    return sorted(turns.values(), key=lambda change: change.at_ms, reverse=True)


def _joined(former: TurnChange, change: TurnChange) -> TurnChange:
    """Returns both of one turn's changes to a file as one."""
    is_still_new = former.change == "add" and change.change == "modify"
    return msgspec.structs.replace(
        change,
        at_ms=max(former.at_ms, change.at_ms),
        change="add" if is_still_new else change.change,
        old_path=change.old_path or former.old_path,
        edits=former.edits + 1,
        added=_sum(former.added, change.added),
        removed=_sum(former.removed, change.removed),
    )


def _sum(former: int | None, number: int | None) -> int | None:
    return former if number is None else number + (former or 0)


def _prompt_before(db: sqlite3.Connection, row: EditRow) -> tuple[int, str | None, str]:
    """Returns row id and text of the prompt of the main turn in which the edit was made, and what it answers; if there
    is none, 0, None and an empty text."""
    if row.subagent_id is not None:
        before = db.execute(_OF_SESSION, (row.session_id, row.at_ms))
    else:
        before = db.execute(_OF_THREAD, (row.thread_id, row.event_id))
    for event_id, thread_id, stored in before:
        body = read_body(db, stored)
        if isinstance(body, UserPrompt) and body.begins_turn:
            prompt = without_paste_marks(body.typed)
            answers = body.command is None and len(prompt) <= SHORT_REPLY
            return event_id, prompt, _asked(db, thread_id, event_id) if answers else ""
    return 0, None, ""


def _asked(db: sqlite3.Connection, thread_id: int, prompt_id: int) -> str:
    from carryover.distill.sections.quoting import question_of  # not at the top: only a short prompt needs it

    bodies = (read_body(db, stored) for (stored,) in db.execute(_ANSWERS, (thread_id, prompt_id)))
    asked = next((question_of(body.text) for body in bodies if isinstance(body, AssistantMessage)), "")
    return excerpt(asked, ASKED_CHARS, tail=0.8)
