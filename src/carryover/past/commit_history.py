"""Finds the sessions and turns behind a commit, by the lines that it brought. Read-only and blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from carryover.distill.git_reports import committed
from carryover.ledger.codec import is_of, read_body
from carryover.ledger.rows import ProjectRow
from carryover.model import FileEdit, ToolResult
from carryover.past.line_origin import comparable, is_silent, removed_by, sources_of, writes
from carryover.past.session_turns import (
    WHOLE_SECOND_MS,
    Edits,
    Links,
    TurnChange,
    between,
    edits_of,
    in_order,
    turns_of,
)
from carryover.probe.git_history import FileOfCommit, GitCommit
from carryover.redact import clean

_MOST_FILES: Final = 200
_AROUND_MS: Final = 60_000
"""Maximum difference between the recorded time of a `git commit` and the time of its commit."""
_RESULTS: Final = f"""SELECT session.agent, session.native_id, machine, event.at_ms, event.body
    FROM session JOIN thread ON thread.session_id = session.id JOIN event ON event.thread_id = thread.id
    WHERE session.project_id = :project AND session.started_ms <= :until AND session.last_ms >= :since
    AND event.at_ms BETWEEN :since AND :until AND event.retracted = 0 AND {is_of("tool_result")}"""


class Committer(msgspec.Struct, frozen=True, kw_only=True):
    """A session whose own `git commit` made a commit. `machine` is None if this machine recorded it."""

    at_ms: int
    agent: str
    session: str
    machine: str | None


class CommitHistory(msgspec.Struct, frozen=True, kw_only=True):
    """A commit and the recorded work in it."""

    commit: GitCommit
    made_by: Committer | None
    turns: tuple[TurnChange, ...]
    """The turns that wrote or removed what it brought; one entry per turn and file, newest first."""


def commit_history(
    db: sqlite3.Connection, project: ProjectRow, commits: Sequence[GitCommit], files: Sequence[FileOfCommit]
) -> CommitHistory:
    """Returns the recorded work in the first of `commits`; the others are the commits before it. `files`: what it
    changed, as far as git said it."""
    commit = commits[0]
    links = Links(commits)
    turns: list[TurnChange] = []
    texts = {file.name: file for file in files}
    names = [file.name for file in files] or commit.files
    for name in names[:_MOST_FILES]:
        file = texts.get(name)
        old_name = file.old_name if file is not None else name
        edits = edits_of(db, project, *(str(Path(project.root, path)) for path in sorted({name, old_name})))
        edits = between(edits, -1, commit.committed_ms + WHOLE_SECOND_MS)
        recent = between(edits, links.before(commit, name), None)
        has_text = file is not None and (file.lines or file.removed)
        turns += turns_of(db, _edits_in(file, edits, recent) if file is not None and has_text else recent)
    turns.sort(key=_time_of, reverse=True)
    return CommitHistory(commit=commit, made_by=_made_by(db, project, commit, links), turns=tuple(turns))


def _time_of(change: TurnChange) -> int:
    return change.at_ms


def _edits_in(file: FileOfCommit, edits: Edits, recent: Edits) -> Edits:
    """Returns the edits whose lines came with the commit. `recent`: those since the file was committed before, among
    which are those that only removed lines, or whose text is not recorded."""
    ordered = in_order(edits)
    sources = sources_of(_as_recorded(file), file.added, [edits[key].body for key in ordered])
    writers = {ordered[source.edit] for source in sources if source.edit is not None}
    has_others = any(source.edit is None for source in sources)
    for key, edit in recent.items():
        if (is_silent(edit.body) and has_others) or (not writes(edit.body) and _is_gone(file, edit.body)):
            writers.add(key)
    return {key: edits[key] for key in writers}


def _is_gone(file: FileOfCommit, edit: FileEdit) -> bool:
    """Whether the commit removed what the edit removed."""
    return not file.removed.isdisjoint(removed_by(edit)) or (edit.change == "delete" and not file.lines)


def _as_recorded(file: FileOfCommit) -> list[str]:
    """Returns the file's lines, redacted and bounded as those of recorded edits are."""
    text = "\n".join(file.lines)
    redacted = comparable(clean(text))
    return redacted if len(redacted) == len(file.lines) else comparable(text)


def _made_by(db: sqlite3.Connection, project: ProjectRow, commit: GitCommit, links: Links) -> Committer | None:
    around = {"since": commit.authored_ms - _AROUND_MS, "until": commit.committed_ms + _AROUND_MS}
    for agent, session, machine, at_ms, stored in db.execute(_RESULTS, {"project": project.id, **around}):
        body = read_body(db, stored)
        commits = committed(body) if isinstance(body, ToolResult) else []
        if any(links.of_command(short, subject, at_ms) is commit for short, subject in commits):
            return Committer(at_ms=at_ms, agent=agent, session=session, machine=machine or None)
    return None
