"""Builds a project's timeline across agents, newest first. Read-only and blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from carryover.distill.commands import committed
from carryover.distill.forms import request_in
from carryover.export.session_parts import SessionEvent, edit_line, numbered
from carryover.ledger.events import session_events
from carryover.ledger.queries import sessions
from carryover.ledger.rows import SessionRow
from carryover.model import NOTE, AgentSummary, FileEdit, ToolResult, TurnEnd, UserPrompt
from carryover.past.session_entries import title_of
from carryover.past.session_turns import How, Links, path_in_project
from carryover.probe.git_history import Commit
from carryover.redact import clean
from carryover.testruns.reading import test_run_in
from carryover.text.reset_times import with_reset_here

MomentKind = Literal["session", "note", "hand-over", "prompt", "edit", "commit", "tests", "compaction", "limit"]

MOST_SESSIONS: Final = 5000
_LONGEST_TEXT: Final = 400
_COMMITTED_AFTER_MS: Final = 3_600_000
"""How long after a session a commit with its edits is still shown with it."""


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the timeline. `at_ms` is in UTC ms, 0 if unknown."""

    at_ms: int
    agent: str
    session: str
    kind: MomentKind
    text: str
    """First line of a prompt, title or subject; tests' command; what an edit did; agent's id before a hand-over."""
    turn: int = 0
    """Number of the turn in its session; 0 before the first prompt."""
    commit: str | None = None
    """Id of a commit: in full, or abbreviated if git does not have it."""
    how: How | None = None
    """How a commit belongs to the session; None for other moments."""
    machine: str | None = None
    """The other machine that recorded the session; None if this one did."""
    show: str | msgspec.UnsetType = msgspec.UNSET
    """The command that shows the turn, if it was asked for."""
    diff: str | msgspec.UnsetType = msgspec.UNSET
    """The lines that an edit changed, if it was asked for edits."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which moments to list: from `since_ms` on and before `until_ms` (UTC ms), of one agent or of all."""

    since_ms: int = 0
    until_ms: int | None = None
    agent: str | None = None
    edits: bool = False
    """Whether edits are listed too."""

    def has(self, moment: Moment) -> bool:
        """Whether the moment of such an agent is listed."""
        in_time = moment.at_ms >= self.since_ms and (self.until_ms is None or moment.at_ms < self.until_ms)
        return in_time and (self.edits or moment.kind != "edit")


def timeline(
    db: sqlite3.Connection, project_id: int, wanted: Wanted, *, limit: int, commits: Iterable[Commit] = ()
) -> list[Moment]:
    """Returns the newest `limit` moments that are `wanted`, newest first. `commits`: of the project's repository."""
    rows = sessions(db, project_id, limit=MOST_SESSIONS)
    # Nobody takes over from a note.
    by_start = sorted((row for row in rows if row.agent != NOTE), key=lambda row: (row.started_ms, row.id))
    before = {later.id: earlier for earlier, later in pairwise(by_start)}
    links = Links(commits)
    all_found: list[Moment] = []
    found: list[Moment] = []
    for row in rows:
        if row.last_ms + _COMMITTED_AFTER_MS < wanted.since_ms or (
            len(found) >= limit and row.last_ms + _COMMITTED_AFTER_MS < found[limit - 1].at_ms
        ):
            break
        begins_later = wanted.until_ms is not None and row.started_ms >= wanted.until_ms
        if begins_later or (wanted.agent is not None and row.agent != wanted.agent):
            continue
        of_session = _of_session(db, row, before.get(row.id), links)
        all_found += (moment for moment in of_session if moment.kind == "tests" or wanted.has(moment))
        # Within one millisecond, the last event comes first.
        all_found.sort(key=lambda moment: moment.at_ms, reverse=True)
        found = [*filter(wanted.has, _each_commit_once(_turning_points(all_found)))]
    return found[:limit]


def _turning_points(moments: Sequence[Moment]) -> list[Moment]:
    """Returns the moments, newest first; of tests those that fail, or pass again, whichever session ran them."""
    kept = []
    failing = False
    for moment in reversed(moments):
        if moment.kind == "tests":
            if moment.text.startswith("fail") == failing:
                continue
            failing = not failing
        kept.append(moment)
    return kept[::-1]


def _each_commit_once(moments: Sequence[Moment]) -> Iterator[Moment]:
    """Yields the moments; a commit with edits of several sessions is that of the one that made it, else the newest."""
    named = {moment.commit for moment in moments if moment.how == "command"}
    for moment in moments:
        if moment.how != "edits":
            yield moment
        elif moment.commit not in named:
            named.add(moment.commit)
            yield moment


def _of_session(db: sqlite3.Connection, row: SessionRow, before: SessionRow | None, links: Links) -> list[Moment]:
    machine = row.machine or None
    start = Moment(
        at_ms=row.started_ms, agent=row.agent, session=row.native_id, kind="session", text="", machine=machine
    )
    found = [replace(start, kind="note" if row.agent == NOTE else "session", text=title_of(db, row)[:_LONGEST_TEXT])]
    if before is not None and row.agent not in (before.agent, NOTE):
        found.append(replace(start, kind="hand-over", text=before.agent))
    events = [(turn, event) for turn, event in numbered(session_events(db, row)) if not event.retracted]
    found += _of_events(events, start, row.root)
    found += _commits(row, events, start, links)
    return found[::-1]


def _commits(row: SessionRow, events: Iterable[tuple[int, SessionEvent]], of: Moment, links: Links) -> Iterator[Moment]:
    """Yields the commits that the session made, and other commits that contain its edits."""
    commit_of = replace(of, kind="commit")
    own = set()
    others = {}
    roots = (row.root, row.recorded_root)
    for turn, event in events:
        match event.body:
            case ToolResult() as result:
                for short, subject in committed(result):
                    made = links.of_command(short, subject, event.at_ms)
                    name = made.id if made is not None else short
                    own.add(name)
                    text = _first_line(clean(made.subject) if made is not None else subject)
                    yield replace(commit_of, at_ms=event.at_ms, turn=turn, commit=name, text=text, how="command")
            case FileEdit(path=path):
                commit = links.of_edit(path_in_project(path, roots), event.at_ms)
                if commit is not None and commit.authored_ms <= row.last_ms + _COMMITTED_AFTER_MS:
                    others[commit.id] = (turn, commit)
    for turn, commit in others.values():
        if commit.id not in own:
            text = _first_line(clean(commit.subject))
            yield replace(commit_of, at_ms=commit.authored_ms, turn=turn, commit=commit.id, text=text, how="edits")


def _of_events(events: Iterable[tuple[int, SessionEvent]], of: Moment, root: str | None) -> Iterator[Moment]:
    """Yields the timeline entries of the events, in order."""
    for turn, event in events:
        here = replace(of, at_ms=event.at_ms, turn=turn)
        match event.body:
            case UserPrompt(actor="human") as prompt if event.subagent_id is None:
                yield replace(here, kind="prompt", text=_first_line(request_in(prompt.typed)))
            case FileEdit(diff=diff) as edit:
                yield replace(here, kind="edit", text=edit_line(edit, root), diff=diff)
            case AgentSummary(source="compaction") if event.subagent_id is None:
                yield replace(here, kind="compaction")
            case TurnEnd(reason="limit", message=message, resets=resets):
                said = with_reset_here(_first_line(message), resets, event.at_ms)
                yield replace(here, kind="limit", text=said)
            case ToolResult() as result:
                run = test_run_in(result)
                if run is not None and run.status != "unknown":
                    text = _first_line(f"{run.status}: {result.subject}")
                    yield replace(here, kind="tests", text=text)


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:_LONGEST_TEXT]
