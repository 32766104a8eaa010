"""Says which turns are behind a file, a line or a commit of a project."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

from carryover.actions.context import project_root
from carryover.actions.opened import Want, opened
from carryover.agents import agent_name
from carryover.errors import ExitCode, UserError
from carryover.ledger.queries import project_by_root, session_ids, shortest_unique
from carryover.ledger.rows import ProjectRow
from carryover.paths import expanded
from carryover.probe.git_history import SHORT, Commit, commit_named, former_names
from carryover.views.history import Change, CommitHistory, LineHistory, changes_of, commit_history, line_history
from carryover.views.session_list import show_command

_LINE: Final = re.compile(r"(.+):(\d+)", re.DOTALL)


class Turn(NamedTuple):
    """A turn that changed files, or one of a sub-agent's, with what it changed."""

    at_ms: int
    agent: str
    """The agent's display name, with the machine that it ran on if that is another."""
    session: str
    """The shortest unique prefix of the session's id."""
    show: str
    """The command that shows the turn, by that id."""
    prompt: str | None
    changes: list[Change]


class Origin(NamedTuple):
    """What is behind a file, a line or a commit; that of a file has neither `line` nor `commit`."""

    root: str
    data: LineHistory | CommitHistory | list[Change]
    turns: list[Turn]
    """Newest first."""
    line: LineHistory | None = None
    commit: CommitHistory | None = None
    made_by: tuple[str, str] | None = None
    """The agent's name and the session's short id, if a session made the commit itself."""
    name: str = ""
    """The path of the line's file, below the root."""

    @property
    def commit_id(self) -> str:
        """The abbreviated id of the commit, or of the one that the line came with; empty if there is none."""
        behind = self.line or self.commit
        return behind.commit.id[:SHORT] if behind is not None and behind.commit is not None else ""


def origin_of(name: str, *, limit: int) -> Origin:
    """Returns what is behind `name`: a file, FILE:LINE or a commit. Of a file and a commit, at most `limit` changes.

    Raises UserError (NOTHING_FOUND) if nothing is known of it.
    """
    path, line, commits = _asked(name)
    root = project_root(str(path.parent) if not commits else None)
    with opened(Want.LISTED, root, around=True) as (ledger, project):
        short = shortest_unique(session_ids(ledger))
        if commits:
            return _of_commit(ledger, project, commits, root, short, limit)
        project = _project_with(ledger, root, path)
        if line is None:
            changes = _of_file(ledger, project, path, root, name)[:limit]
            return Origin(root, changes, _turns(changes, short))
        history = line_history(ledger, project, root, path, line)
        shown = os.path.relpath(path, root)
        return Origin(root, history, _turns(history.turns, short), line=history, name=shown)


def _project_with(ledger: sqlite3.Connection, root: str, path: Path) -> ProjectRow | None:
    """Returns the innermost project with edits of the file: an agent may work on a submodule from the repository around
    it. Without any, returns the project at `root`."""
    around = (project_by_root(ledger, str(folder)) for folder in (Path(root), *Path(root).parents))
    found = (project for project in around if project is not None and changes_of(ledger, project, str(path)))
    return next(found, None) or project_by_root(ledger, root)


def _asked(name: str) -> tuple[Path, int | None, list[Commit]]:
    """Returns the named file and the line in it, if any; or a commit, followed by the commits before it."""
    path = _absolute(name)
    if os.path.lexists(path):
        return path, None, []
    if found := _LINE.fullmatch(name):
        return _absolute(found[1]), int(found[2]), []
    return path, None, [] if os.sep in name else commit_named(Path(project_root(None)), name)


def _absolute(file: str) -> Path:
    """Returns the file's path as agents record it: symlinks in its folder are resolved, but not the file itself."""
    path = expanded(file)
    return Path(os.path.realpath(path.parent), path.name)


def _of_file(ledger: sqlite3.Connection, project: ProjectRow | None, path: Path, root: str, asked: str) -> list[Change]:
    former = former_names(Path(root), os.path.relpath(path, root))
    changes = changes_of(ledger, project, str(path), former) if project is not None else []
    if not changes and os.sep not in asked and not os.path.lexists(path):
        raise UserError(
            f"{asked!r} is neither a file here, also none that an agent is known to have changed, nor a commit of "
            f"{root}. `carryover log` lists the commits of sessions.",
            ExitCode.NOTHING_FOUND,
        )
    if not changes:
        why = "`carryover sessions` lists what is recorded." if project else f"Nothing is recorded for {root}."
        if path.is_dir():
            why = "It is a folder: name a file in it."
        raise UserError(f"No agent is known to have changed {path}. {why}", ExitCode.NOTHING_FOUND)
    return changes


def _of_commit(
    ledger: sqlite3.Connection,
    project: ProjectRow | None,
    commits: Sequence[Commit],
    root: str,
    short: Mapping[str, str],
    limit: int,
) -> Origin:
    history = commit_history(ledger, project, commits) if project is not None else None
    if history is None or not (history.turns or history.made_by):
        raise UserError(
            f"No recorded session made commit {commits[0].id[:SHORT]} or edited its files for it. "
            "`carryover log` lists the commits of sessions.",
            ExitCode.NOTHING_FOUND,
        )
    by = history.made_by
    made_by = (agent_name(by.agent, by.machine), short.get(by.session, by.session)) if by is not None else None
    return Origin(root, history, _turns(history.turns[:limit], short), commit=history, made_by=made_by)


def _turns(changes: Iterable[Change], short: Mapping[str, str]) -> list[Turn]:
    turns = []
    for _, of_turn in groupby(changes, key=lambda change: (change.session, change.prompt, change.subagent_id)):
        each = list(of_turn)
        first = each[0]
        agent = agent_name(first.agent, first.machine)
        session = short.get(first.session, first.session)
        show = show_command(session, first.turn, subagent=first.subagent_id is not None)
        turns.append(Turn(first.at_ms, agent, session, show, first.prompt, each))
    return turns
