"""`carryover log`, the timeline of a project across agents, and `why`: the turns behind a file, a line or a commit."""

from __future__ import annotations

import argparse
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

from carryover.actions.context import now_ms, project_root
from carryover.actions.opened import Want, opened
from carryover.agents import agent_name
from carryover.cli.arguments import TIMES, add_limit_argument, describe, flag
from carryover.errors import ExitCode, UserError
from carryover.ledger.queries import project_by_root, session_ids, shortest_unique
from carryover.ledger.rows import ProjectRow
from carryover.model import NOTE
from carryover.paths import expanded
from carryover.probe.git_history import SHORT, Commit, commit_named, newest_commits
from carryover.terminal.output import BOLD, GREEN, RED, YELLOW, harmless, one_line, paint, put, when
from carryover.terminal.pager import add_pager_argument, paged
from carryover.terminal.table import entry_lines
from carryover.views.history import Change, CommitHistory, Found, LineHistory, changes_of, commit_history, line_history
from carryover.views.timeline import Moment, Wanted, timeline

LOG_LIMIT: Final = 100

LOG: Final = """\
Prints what happened in a project, newest first, whichever agent did it: where
sessions began and one agent took over from another, your prompts (their first
line), tests that began to fail or pass again, compactions and usage limits; the
commits that a session made itself, and those with edits of it that were made
until an hour after it."""

LOG_EXAMPLES: Final = """\
  carryover log                        the project you are in
  carryover log ~/code/shop -n 500     further back, in another project
  carryover log --since yesterday --agent codex
  carryover why COMMIT                 the turns that are in a commit"""


def log_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, LOG, LOG_EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("project", metavar="PROJECT", nargs="?", help="a folder of the project (default: this one)")
    parser.add_argument("--since", metavar="WHEN", default=0, help=f"only what is not older: {TIMES}")
    parser.add_argument("--agent", metavar="AGENT", help="only what AGENT did, by its id or another name")
    add_limit_argument(parser, "-n", "--limit", usual=LOG_LIMIT, what="print at most N entries")
    flag(parser, "--json", "print the timeline as JSON; times are UTC milliseconds")
    add_pager_argument(parser)


def run_log(args: argparse.Namespace) -> None:
    root = project_root(args.project)
    with opened(Want.LISTED, root) as (ledger, project):
        moments = []
        if project is not None:
            commits = newest_commits(Path(root), since_ms=args.since)
            wanted = Wanted(since_ms=args.since, agent=args.agent)
            moments = timeline(ledger, project.id, wanted, limit=args.limit, commits=commits)
        short = shortest_unique(session_ids(ledger))
    if not moments:
        narrowed = " Without --since and --agent all is listed." if args.agent or args.since else ""
        raise UserError(f"Nothing is recorded for {root} that matches.{narrowed}", ExitCode.NOTHING_FOUND)
    now = now_ms()
    with paged(args):
        put(args, moments, (line for moment in moments for line in _entry(moment, short[moment.session], now)))


def _entry(moment: Moment, short: str, now: int) -> Iterator[str]:
    head = (
        when(moment.at_ms, now),
        agent_name(moment.agent, moment.machine) if moment.agent != NOTE else "",
        paint(short, BOLD),
        moment.kind if moment.how != "edits" else "commit with its edits",
        paint(moment.commit[:SHORT], YELLOW) if moment.commit else "",
    )
    text = " ".join(harmless(moment.text).split())
    if moment.kind == "hand-over":
        text = f"from {agent_name(text)} to {agent_name(moment.agent)}"
    elif moment.kind == "tests":
        text = paint(text, RED if text.startswith("fail") else GREEN)
    return entry_lines(head, text)


WHY_LIMIT: Final = 50
_PROMPT_CHARS: Final = 400
_LINE: Final = re.compile(r"(.+):(\d+)", re.DOTALL)

WHY: Final = """\
Lists the turns in which agents changed a file, newest first, each with the
prompt that asked for it. The file may have been renamed or deleted since, and
its project moved.

With FILE:LINE it finds the turn that wrote the line: the recorded edits are
undone from the newest on, and git says in which commit the line is. Where the
file was also changed by hand, the line is known by its text alone, or said to
come from outside the sessions.

With a commit it lists the turns whose edits are in it, and the session that ran
`git commit`."""

WHY_EXAMPLES: Final = """\
  carryover why src/cart.py
  carryover why src/cart.py:12         the turn that wrote line 12
  carryover why HEAD                   the turns that are in a commit
  carryover show ID                    the conversation of one of these turns"""

_EXPLAINED: Final[Mapping[Found, str]] = {
    "followed": "",
    "by_text": "The file was also changed outside the sessions; this edit wrote a line of this text.",
    "turns": "What was written is not recorded; the file was changed by:",
    "before": "This line was there before the first recorded edit of the file",
    "outside": "No recorded edit wrote this line: it was changed outside the sessions.",
    "unknown": "No recorded edit wrote this line: it is older, or was changed outside the sessions.",
}


def why_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, WHY, WHY_EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument(
        "file", metavar="FILE", help="the file, which need not exist any more; FILE:LINE; or a commit of this project"
    )
    add_limit_argument(parser, "-n", "--limit", usual=WHY_LIMIT, what="list at most N turns")
    flag(parser, "--json", "print the turns as JSON; times are UTC milliseconds")
    add_pager_argument(parser)


def run_why(args: argparse.Namespace) -> int:
    path, line, commits = _asked(args.file)
    root = project_root(str(path.parent) if not commits else None)
    with opened(Want.LISTED, root, around=True) as (ledger, found):
        shown = Shown(shortest_unique(session_ids(ledger)), now_ms(), root, args.limit)
        project = found if commits else _project_with(ledger, root, path)
        data: object
        if line is not None:
            data = history = line_history(ledger, project, root, path, line)
            lines = shown.line(history, os.path.relpath(path, root))
        elif commits:
            data = made = _of_commit(ledger, project, commits)
            lines = shown.commit(made)
        else:
            data = changes = _of_file(ledger, project, path, root, args.file)[: args.limit]
            lines = shown.turns(changes)
        with paged(args):
            put(args, data, lines)
    return ExitCode.NOTHING_FOUND if isinstance(data, LineHistory) and not data.turns else ExitCode.OK


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
    changes = changes_of(ledger, project, str(path)) if project is not None else []
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


def _of_commit(ledger: sqlite3.Connection, project: ProjectRow | None, commits: Sequence[Commit]) -> CommitHistory:
    history = commit_history(ledger, project, commits) if project is not None else None
    if history is None or not (history.turns or history.made_by):
        raise UserError(
            f"No recorded session made commit {commits[0].id[:SHORT]} or edited its files for it. "
            "`carryover log` lists the commits of sessions.",
            ExitCode.NOTHING_FOUND,
        )
    return history


class Shown(NamedTuple):
    """How histories are shown: `short` has each session's short id, `limit` is the number of changes."""

    short: Mapping[str, str]
    now_ms: int
    root: str
    limit: int

    def line(self, history: LineHistory, name: str) -> Iterator[str]:
        """Yields the line of the file, what is known about its origin, and the turns."""
        commit = history.commit
        came = ("not committed",) if commit is None else (_commit(commit), when(commit.authored_ms, self.now_ms))
        yield from entry_lines((paint(f"{name}:{history.line}", BOLD), *came), harmless(history.text))
        explained = _EXPLAINED[history.found]
        if history.found == "before" and history.first_edit_ms is not None:
            explained = f"{explained} ({when(history.first_edit_ms, self.now_ms)})."
        yield from filter(None, [explained])
        yield from self.turns(history.turns)

    def commit(self, history: CommitHistory) -> Iterator[str]:
        """Yields the commit, and the turns with the files that they changed."""
        commit, by = history.commit, history.made_by
        made = "" if by is None else f"made by {agent_name(by.agent, by.machine)} {self._session(by.session)}"
        head = (when(commit.authored_ms, self.now_ms), _commit(commit), made)
        yield from entry_lines(head, one_line(commit.subject, _PROMPT_CHARS))
        yield from self.turns(history.turns[: self.limit], with_files=True)

    def turns(self, changes: Iterable[Change], *, with_files: bool = False) -> Iterator[str]:
        """Yields one entry per turn."""
        for _, turn in groupby(changes, key=lambda change: (change.session, change.prompt, change.subagent_id)):
            each = list(turn)
            names = [f"{os.path.relpath(change.path, self.root)} " if with_files else "" for change in each]
            head = (
                when(each[0].at_ms, self.now_ms),
                agent_name(each[0].agent, each[0].machine),
                self._session(each[0].session),
                ", ".join(f"{name}{summary(change)}" for name, change in zip(names, each, strict=True)),
            )
            yield from entry_lines(head, one_line(each[0].prompt or "(no prompt recorded)", _PROMPT_CHARS))

    def _session(self, session: str) -> str:
        return paint(self.short.get(session, session), BOLD)


def _commit(commit: Commit) -> str:
    return f"commit {paint(commit.id[:SHORT], YELLOW)}"


def summary(change: Change) -> str:
    """Summarizes a turn's change: `+12 -3`, `new +40`, `renamed`, or `edited` if the number of lines is unknown."""
    lines = [f"+{change.added}"] if change.added is not None else []
    lines += [f"-{change.removed}"] if change.removed else []
    what = {"add": "new", "delete": "deleted", "rename": "renamed"}.get(change.change, "" if lines else "edited")
    times = [f"({change.edits} edits)"] if change.edits > 1 else []
    return " ".join([*filter(None, [what]), *lines, *times])
