"""Says which turns are behind a file, a line or a commit of a project."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

from carryover.agents import agent_name
from carryover.errors import ExitCode, UserError, os_reason
from carryover.fsio import read_bytes_bounded
from carryover.ledger.queries import project_by_root, session_ids, shortest_unique
from carryover.ledger.rows import ProjectRow
from carryover.past.commit_history import CommitHistory, commit_history
from carryover.past.context import project_root
from carryover.past.line_history import MOST_BYTES, LineHistory, line_history
from carryover.past.opened import Want, opened
from carryover.past.session_turns import Change, changes_of
from carryover.past.sessions import show_command
from carryover.paths import expanded
from carryover.platform import here
from carryover.probe.git_history import SHORT, Commit, commit_named, files_of_commit, former_names
from carryover.terminal.output import did_you_mean

_PART: Final = re.compile(r"(?P<first>\d+)(?:-(?P<last>\d+))?")
MOST_LINES: Final = 2_000
"""Most lines that are looked up at once."""
_PARSE_S: Final = 2.0


class Part(NamedTuple):
    """Lines of a file, from 1."""

    first: int
    last: int


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


class Lines(NamedTuple):
    """Lines of one origin, with the turns behind them."""

    origin: LineHistory
    turns: list[Turn]

    @property
    def commit_id(self) -> str:
        """The abbreviated id of the commit that they came with; empty if there is none."""
        commit = self.origin.commit
        return commit.id[:SHORT] if commit is not None else ""


class Origin(NamedTuple):
    """What is behind a file, lines of it or a commit; that of a file has neither `lines` nor `commit`."""

    root: str
    data: LineHistory | CommitHistory | list[LineHistory] | list[Change]
    turns: list[Turn]
    """Newest first; those of lines are with these."""
    lines: list[Lines]
    """In their order."""
    commit: CommitHistory | None = None
    made_by: tuple[str, str] | None = None
    """The agent's name and the session's short id, if a session made the commit itself."""
    name: str = ""
    """The path of the lines' file, below the root."""

    @property
    def is_known(self) -> bool:
        """Whether any turn is behind it."""
        return bool(self.turns or self.made_by) or any(each.turns for each in self.lines)

    @property
    def commit_id(self) -> str:
        """The abbreviated id of the commit that was asked for; empty if none was."""
        return self.commit.commit.id[:SHORT] if self.commit is not None else ""


def origin_of(name: str, *, limit: int) -> Origin:
    """Returns what is behind `name`: a file, FILE:LINE, FILE:FROM-TO, FILE:NAME of what it defines, or a commit. Of a
    file and a commit, at most `limit` changes.

    Raises UserError (NOTHING_FOUND) if nothing is known of it.
    """
    path, part, commits = _asked(name)
    root = project_root(str(path.parent) if not commits else None)
    with opened(Want.LISTED, root, around=True) as (ledger, project):
        short = shortest_unique(session_ids(ledger))
        if commits:
            return _of_commit(ledger, project, commits, root, short, limit)
        project = _project_with(ledger, root, path)
        if part is None:
            changes = _of_file(ledger, project, path, root, name)[:limit]
            return Origin(root, changes, _turns(changes, short), [])
        found = line_history(ledger, project, root, path, *part)
        lines = [Lines(each, _turns(each.turns, short)) for each in found]
        data = found[0] if part.first == part.last else found
        return Origin(root, data, [], lines, name=os.path.relpath(path, root))


def _project_with(ledger: sqlite3.Connection, root: str, path: Path) -> ProjectRow | None:
    """Returns the innermost project with edits of the file: an agent may work on a submodule from the repository around
    it. Without any, returns the project at `root`."""
    around = (project_by_root(ledger, str(folder)) for folder in (Path(root), *Path(root).parents))
    found = (project for project in around if project is not None and changes_of(ledger, project, str(path)))
    return next(found, None) or project_by_root(ledger, root)


def _asked(name: str) -> tuple[Path, Part | None, list[Commit]]:
    """Returns the named file and the part of it, if any; or a commit, followed by the commits before it."""
    path = _absolute(name)
    if os.path.lexists(path):
        return path, None, []
    for at, sign in enumerate(name):
        if sign == ":" and os.path.lexists(file := _absolute(name[:at])):
            return file, _part(file, name[at + 1 :]), []
    before, _, part = name.rpartition(":")
    if before and _PART.fullmatch(part):
        return _absolute(before), _part(_absolute(before), part), []
    return path, None, [] if os.sep in name else commit_named(Path(project_root(None)), name)


def _part(file: Path, asked: str) -> Part:
    """Returns the lines that are asked for: by number, from one to another, or by the name of what they define."""
    if numbers := _PART.fullmatch(asked):
        first = int(numbers["first"])
        last = int(numbers["last"] or first)
    else:
        first, last = _defined(file, asked)
    if last < first:
        raise UserError(f"{asked} ends before it begins.", ExitCode.USAGE)
    if last - first >= MOST_LINES:
        raise UserError(f"{asked} has more than {MOST_LINES:,} lines. Ask for fewer.", ExitCode.USAGE)
    return Part(first, last)


def _defined(file: Path, name: str) -> Part:
    from carryover.probe.source_code import definitions, language_of  # loads no grammar unless one is needed

    language = language_of(str(file))
    until = time.monotonic() + _PARSE_S
    try:
        if language is None:
            raise TimeoutError
        there = definitions(read_bytes_bounded(file, MOST_BYTES), language, give_up=lambda: time.monotonic() > until)
    except TimeoutError as error:
        raise UserError(
            f"What {file.name} defines is not known: there is no grammar for it, or it took too long to read. "
            f"`carryover why {file.name}:FROM-TO` asks for lines.",
            ExitCode.NOTHING_FOUND,
        ) from error
    except OSError as error:
        raise UserError(f"{file} can't be read: {os_reason(error)}.", ExitCode.NOTHING_FOUND) from error
    found = [each for each in there if each.name == name] or [each for each in there if _ends_with(each.name, name)]
    if not found:
        close = did_you_mean(name, [*(each.name for each in there), *(_last(each.name) for each in there)])
        raise UserError(f"{file.name} defines no {name}{close}.", ExitCode.NOTHING_FOUND)
    if len(found) > 1:
        places = ", ".join(f"{each.name} ({each.first}-{each.last})" for each in found[:5])
        raise UserError(f"{file.name} defines several: {places}. Ask for one of them by its lines.", ExitCode.USAGE)
    return Part(found[0].first, found[0].last)


def _last(name: str) -> str:
    return re.split(r"\.|::", name)[-1]


def _ends_with(name: str, wanted: str) -> bool:
    return name.endswith((f".{wanted}", f"::{wanted}"))


def _absolute(file: str) -> Path:
    """Returns the file's path as agents record it: symlinks in its folder are resolved, but not the file itself."""
    path = expanded(file)
    return Path(here().canonical(path.parent), path.name)


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
    history = None
    if project is not None:
        history = commit_history(ledger, project, commits, files_of_commit(Path(root), commits[0].id))
    if history is None or not (history.turns or history.made_by):
        raise UserError(
            f"No recorded session made commit {commits[0].id[:SHORT]} or edited its files for it. "
            "`carryover log` lists the commits of sessions.",
            ExitCode.NOTHING_FOUND,
        )
    by = history.made_by
    made_by = (agent_name(by.agent, by.machine), short.get(by.session, by.session)) if by is not None else None
    return Origin(root, history, _turns(history.turns[:limit], short), [], commit=history, made_by=made_by)


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
