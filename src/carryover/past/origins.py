"""Says which turns are behind a file, a line or a commit of a project; of a commit, by the lines that it brought."""

from __future__ import annotations

import math
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from carryover.agents import agent_name
from carryover.distill.git_reports import committed
from carryover.errors import ExitCode, UserError
from carryover.ledger.codec import is_of, read_body
from carryover.ledger.queries import project_by_root, short_ids
from carryover.ledger.rows import ProjectRow
from carryover.ledger.search import EditRow
from carryover.model import FileEdit, ToolResult
from carryover.past.context import project_root
from carryover.past.file_changes import Act, Edits, TurnChange, between, changes_of, edits_of, turns_of
from carryover.past.line_history import LineHistory, line_history
from carryover.past.line_origin import as_recorded, is_silent, removed_by, writer_of, writes, written_lines
from carryover.past.links import WHOLE_SECOND_MS, Links
from carryover.past.opened import Want, opened
from carryover.paths import expanded
from carryover.platform import here
from carryover.probe.git_command import git_trouble
from carryover.probe.git_dir import is_top
from carryover.probe.git_history import FileOfCommit, GitCommit, commit_named, files_of_commit, former_names
from carryover.terminal.paths import shell_word
from carryover.text.pattern import later

_PART: Final = later(r"(?P<first>\d+)(?:-(?P<last>\d+))?")
_MOST_LINES: Final = 2_000
"""Most lines that are looked up at once."""
_MOST_FILES: Final = 200
_AROUND_MS: Final = 60_000
"""Maximum difference between the recorded time of a `git commit` and the time of its commit."""
_RESULTS: Final = f"""SELECT session.agent, session.native_id, machine, event.at_ms, event.body
    FROM session JOIN thread ON thread.session_id = session.id JOIN event ON event.thread_id = thread.id
    WHERE session.project_id = :project AND session.started_ms <= :until AND session.last_ms >= :since
    AND event.at_ms BETWEEN :since AND :until AND event.retracted = 0 AND {is_of("tool_result")}"""


class CommitHistory(msgspec.Struct, frozen=True, kw_only=True):
    """A commit and the recorded work in it."""

    commit: GitCommit
    made_by: Act | None
    """The session whose own `git commit` made it."""
    turns: tuple[TurnChange, ...]
    """The turns that wrote or removed what it brought; one entry per turn and file, newest first."""


Found = Sequence[TurnChange | LineHistory] | LineHistory | CommitHistory
"""The changes of a file, or what is known of lines, newest or first one first; of one line, of a commit."""


def origin_of(name: str, *, limit: int) -> tuple[str, Found]:
    """Returns the root of the project and what is behind `name`: a file, of which at most `limit` changes; FILE:LINE,
    FILE:FROM-TO, or a commit.

    Raises UserError (NOTHING_FOUND) if nothing is known of it.
    """
    path, part = _file_named(name)
    is_file = part is not None or os.sep in name or os.path.lexists(path)
    commits = [] if is_file else commit_named(Path(project_root(None)), name)
    root = project_root(None if commits else _folder_there(path))
    with opened(Want.LISTED, root, around=True) as (ledger, project):
        if commits:
            found: Found = _of_commit(ledger, project, commits, root)
        elif part is None:
            found = _of_file(ledger, _project_with(ledger, root, path), path, root, name)[:limit]
        else:
            first, last = part
            lines = line_history(ledger, _project_with(ledger, root, path), root, path, first, last)
            found = lines[0] if first == last else lines
        return root, found


def is_known(found: Found) -> bool:
    """Whether any turn or session is behind it; behind a line there may be none."""
    if isinstance(found, CommitHistory):
        return True
    parts = [found] if isinstance(found, LineHistory) else found
    return any(isinstance(part, TurnChange) or part.turns for part in parts)


def _project_with(ledger: sqlite3.Connection, root: str, path: Path) -> ProjectRow | None:
    """Returns the innermost project with edits of the file: the one at `root`, one around it, as an agent may work on a
    submodule from the repository around it, or one whose folder is gone. Without any, returns the innermost."""
    top = (Path(root), *Path(root).parents)
    folders = (*top, *(folder for folder in path.parents if folder not in top))
    around = [project for folder in folders if (project := project_by_root(ledger, str(folder))) is not None]
    edited = (project for project in around if edits_of(ledger, project, str(path)))
    return next(edited, None) or next(iter(around), None)


def _folder_there(file: Path) -> str:
    """Returns the innermost folder around `file` that is still there."""
    return str(next(folder for folder in file.parents if os.path.lexists(folder)))


def _file_named(name: str) -> tuple[Path, tuple[int, int] | None]:
    """Returns the file that `name` means, if it means one, and its first and last line (from 1) if lines are meant."""
    path = _absolute(name)
    if os.path.lexists(path):
        return path, None
    for end, sign in enumerate(name):
        if sign == ":" and end and os.path.lexists(file := _absolute(name[:end])):
            return file, _lines(name[end + 1 :])
    before, _, lines = name.rpartition(":")
    if before and _PART.fullmatch(lines):
        return _absolute(before), _lines(lines)
    return path, None


def _absolute(file: str) -> Path:
    """Returns the file's path as agents record it: symlinks in its folder are resolved, but not the file itself. One
    that is not here, but below the top of the project, is meant from there, as a handoff names it."""
    path = expanded(file)
    found = Path(here().canonical(path.parent), path.name)
    if path.is_absolute() or os.path.lexists(found) or not os.path.lexists(from_top := Path(project_root(None), path)):
        return found
    return Path(here().canonical(from_top.parent), path.name)


def _lines(part: str) -> tuple[int, int]:
    """Returns the lines that are asked for: one, or from one to another."""
    numbers = _PART.fullmatch(part)
    if numbers is None:
        raise UserError(f"{part!r} names no line; write 12, or 12-30.", ExitCode.USAGE)
    first = int(numbers["first"])
    last = int(numbers["last"] or first)
    if last < first:
        raise UserError(f"{part} ends before it begins.", ExitCode.USAGE)
    if last - first >= _MOST_LINES:
        raise UserError(f"{part} has more than {_MOST_LINES:,} lines. Ask for fewer.", ExitCode.USAGE)
    return first, last


def _of_file(
    ledger: sqlite3.Connection, project: ProjectRow | None, path: Path, root: str, name: str
) -> list[TurnChange]:
    former = former_names(Path(root), os.path.relpath(path, root))
    changes = changes_of(ledger, project, str(path), former)
    if changes:
        return changes
    if os.sep not in name and not os.path.lexists(path):
        no_file = f"There is no file {name!r} here, and no agent is known to have changed it."
        if not is_top(Path(root)):
            raise UserError(f"{no_file} {_search_for(name)}", ExitCode.NOTHING_FOUND)
        if trouble := git_trouble():
            raise UserError(
                f"{no_file} Whether it is a commit is not known, as git can't be run: {trouble}.",
                ExitCode.NOTHING_FOUND,
            )
        raise UserError(
            f"{no_file} Nor is it a commit of {root}: `carryover log` lists the commits of sessions.",
            ExitCode.NOTHING_FOUND,
        )
    why = _search_for(path.name) if project else f"Nothing is recorded for {root}."
    if path.is_dir():
        why = "It is a folder: name a file in it."
    raise UserError(f"No agent is known to have changed {path}. {why}", ExitCode.NOTHING_FOUND)


def _search_for(name: str) -> str:
    return f"`carryover search {shell_word(name)}` looks for where it was mentioned."


def _of_commit(
    ledger: sqlite3.Connection, project: ProjectRow | None, commits: Sequence[GitCommit], root: str
) -> CommitHistory:
    history = None
    if project is not None:
        history = _commit_history(ledger, project, commits, files_of_commit(Path(root), commits[0].id))
    if history is None or not (history.turns or history.made_by):
        raise UserError(
            f"No recorded session made commit {commits[0].short} or edited its files for it. "
            "`carryover log` lists the commits of sessions.",
            ExitCode.NOTHING_FOUND,
        )
    return history


def _commit_history(
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
        recent = between(edits, links.before(commit, name), math.inf)
        has_text = file is not None and (file.lines or file.removed)
        turns += turns_of(db, _edits_in(file, edits, recent) if file is not None and has_text else recent)
    turns.sort(key=lambda change: change.at_ms, reverse=True)
    return CommitHistory(commit=commit, made_by=_made_by(db, project, commit, links), turns=tuple(turns))


def _edits_in(file: FileOfCommit, edits: Edits, recent: Edits) -> Iterator[EditRow]:
    """Yields the edits whose lines came with the commit. `recent`: those since the file was committed before, among
    which are those that only removed lines, or whose text is not recorded."""
    among = written_lines(edits)
    lines = as_recorded("\n".join(file.lines))
    writers = [writer_of(lines, index, among, math.inf) for index in file.added]
    yield from (edit for edit in writers if edit is not None)
    has_others = None in writers
    for edit in recent:
        if (is_silent(edit.body) and has_others) or (not writes(edit.body) and _is_gone(file, edit.body)):
            yield edit


def _is_gone(file: FileOfCommit, edit: FileEdit) -> bool:
    """Whether the commit removed what the edit removed."""
    return not file.removed.isdisjoint(removed_by(edit)) or (edit.change == "delete" and not file.lines)


def _made_by(db: sqlite3.Connection, project: ProjectRow, commit: GitCommit, links: Links) -> Act | None:
    around = {"since": commit.authored_ms - _AROUND_MS, "until": commit.committed_ms + _AROUND_MS}
    for agent, session, machine, at_ms, stored in db.execute(_RESULTS, {"project": project.id, **around}):
        body = read_body(db, stored)
        commits = committed(body) if isinstance(body, ToolResult) else []
        if any(links.of_command(short, subject, at_ms) is commit for short, subject in commits):
            return Act(
                at_ms=at_ms,
                agent=agent,
                agent_name=agent_name(agent, machine),
                session=session,
                short=short_ids(db, [session]).get(session, session),
                machine=machine or None,
            )
    return None
