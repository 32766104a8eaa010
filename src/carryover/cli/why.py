"""`carryover why`: the turns behind a file, a line of it or a commit, and their prompts."""

from __future__ import annotations

import argparse
import os
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from carryover.actions.context import now_ms, project_root
from carryover.actions.recorded import ledger_of_project
from carryover.agents import agent_name
from carryover.cli.arguments import describe, positive
from carryover.errors import ExitCode, UserError
from carryover.ledger.queries import project_by_root, session_ids, shortest_unique
from carryover.paths import expanded
from carryover.probe.git_history import SHORT, Commit, commit_named
from carryover.terminal.entries import Entry, print_entries
from carryover.terminal.output import BOLD, YELLOW, harmless, one_line, paint, print_json, print_lines, when
from carryover.terminal.pager import add_pager_argument, paged
from carryover.views.history import Change, CommitHistory, Found, LineHistory, changes_of, commit_history, line_history

LIMIT: Final = 50
_PROMPT_CHARS: Final = 400
_LINE: Final = re.compile(r"(.+):(\d+)", re.DOTALL)

DESCRIPTION: Final = """\
Lists the turns in which agents changed a file, newest first, each with the
prompt that asked for it. The file may have been renamed or deleted since, and
its project moved.

With FILE:LINE it finds the turn that wrote the line: the recorded edits are
undone from the newest on, and git says in which commit the line is. Where the
file was also changed by hand, the line is known by its text alone, or said to
come from outside the sessions.

With a commit it lists the turns whose edits are in it, and the session that ran
`git commit`."""

EXAMPLES: Final = """\
examples:
  carryover why src/cart.py
  carryover why src/cart.py:12         the turn that wrote line 12
  carryover why HEAD                   the turns that are in a commit
  carryover show ID                    the conversation of one of these turns
"""

_EXPLAINED: Final[Mapping[Found, str]] = {
    "followed": "",
    "by_text": "The file was also changed outside the sessions; this edit wrote a line of this text.",
    "turns": "What was written is not recorded; the file was changed by:",
    "before": "This line was there before the first recorded edit of the file",
    "outside": "No recorded edit wrote this line: it was changed outside the sessions.",
    "unknown": "No recorded edit wrote this line: it is older, or was changed outside the sessions.",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument(
        "file", metavar="FILE", help="the file, which need not exist any more; FILE:LINE; or a commit of this project"
    )
    parser.add_argument(
        "-n", "--limit", type=positive, default=LIMIT, metavar="N", help=f"list at most N turns (default: {LIMIT})"
    )
    parser.add_argument("--json", action="store_true", help="print the turns as JSON; times are UTC milliseconds")
    add_pager_argument(parser)


def run(args: argparse.Namespace) -> int:
    path, line, commits = _asked(args.file)
    root = project_root(str(path.parent) if not commits else None)
    with ledger_of_project(root) as ledger:
        short = shortest_unique(session_ids(ledger))
        if line is not None:
            return _why_line(ledger, root, path, line, args, short)
        if commits:
            return _why_commit(ledger, root, commits, args, short)
        return _why_file(ledger, root, path, args, short)


def _asked(name: str) -> tuple[Path, int | None, list[Commit]]:
    """Returns the named file and the line in it, if any; or a commit, followed by the commits before it."""
    path = _absolute(name)
    found = _LINE.fullmatch(name)
    if os.path.lexists(path):
        return path, None, []
    if found is not None:
        return _absolute(found[1]), int(found[2]), []
    return path, None, [] if os.sep in name else commit_named(Path(project_root(None)), name)


def _absolute(file: str) -> Path:
    """Returns the file's path as agents record it: symlinks in its folder are resolved, but not the file itself."""
    path = expanded(file)
    return Path(os.path.realpath(path.parent), path.name)


def _why_file(
    ledger: sqlite3.Connection, root: str, path: Path, args: argparse.Namespace, short: Mapping[str, str]
) -> int:
    project = project_by_root(ledger, root)
    changes = changes_of(ledger, project, str(path))[: args.limit] if project is not None else []
    if not changes:
        raise UserError(
            f"No agent is known to have changed {path}. "
            + ("`carryover sessions` lists what is recorded." if project else f"Nothing is recorded for {root}."),
            ExitCode.NOTHING_FOUND,
        )
    if args.json:
        print_json(changes)
        return ExitCode.OK
    with paged(args):
        print_entries(_entries(changes, short, None))
    return ExitCode.OK


def _why_line(
    ledger: sqlite3.Connection, root: str, path: Path, line: int, args: argparse.Namespace, short: Mapping[str, str]
) -> int:
    history = line_history(ledger, project_by_root(ledger, root), root, path, line)
    if args.json:
        print_json(history)
    else:
        with paged(args):
            _print_line(history, short, os.path.relpath(path, root))
    return ExitCode.OK if history.turns else ExitCode.NOTHING_FOUND


def _print_line(history: LineHistory, short: Mapping[str, str], name: str) -> None:
    now = now_ms()
    commit = history.commit
    came = (_commit(commit), when(commit.authored_ms, now)) if commit is not None else ("not committed",)
    print_entries([Entry((paint(f"{name}:{history.line}", BOLD), *came), harmless(history.text))])
    explained = _EXPLAINED[history.found]
    if history.found == "before" and history.first_edit_ms is not None:
        explained = f"{explained} ({when(history.first_edit_ms, now)})."
    print_lines(filter(None, [explained]))
    print_entries(_entries(history.turns, short, None))


def _why_commit(
    ledger: sqlite3.Connection,
    root: str,
    commits: Sequence[Commit],
    args: argparse.Namespace,
    short: Mapping[str, str],
) -> int:
    project, commit = project_by_root(ledger, root), commits[0]
    history = commit_history(ledger, project, commits) if project is not None else None
    if history is None or not (history.turns or history.made_by):
        raise UserError(
            f"No recorded session made commit {commit.id[:SHORT]} or edited its files for it. "
            "`carryover log` lists the commits of sessions.",
            ExitCode.NOTHING_FOUND,
        )
    if args.json:
        print_json(history)
        return ExitCode.OK
    with paged(args):
        _print_commit(history, short, root, args.limit)
    return ExitCode.OK


def _print_commit(history: CommitHistory, short: Mapping[str, str], root: str, limit: int) -> None:
    commit, by = history.commit, history.made_by
    made = (
        f"made by {agent_name(by.agent, by.machine)} {paint(short.get(by.session, by.session), BOLD)}"
        if by is not None
        else ""
    )
    head = (when(commit.authored_ms, now_ms()), _commit(commit), made)
    print_entries([Entry(head, one_line(commit.subject, _PROMPT_CHARS))])
    print_entries(_entries(history.turns[:limit], short, root))


def _entries(changes: Iterable[Change], short: Mapping[str, str], root: str | None) -> Iterable[Entry]:
    """Yields one entry per turn; it names the changed files if the project's `root` is given."""
    now = now_ms()
    for _, turn in groupby(changes, key=lambda change: (change.session, change.prompt, change.subagent_id)):
        each = list(turn)
        first = each[0]
        files = (f"{os.path.relpath(change.path, root)} " if root is not None else "" for change in each)
        head = (
            when(first.at_ms, now),
            agent_name(first.agent, first.machine),
            paint(short.get(first.session, first.session), BOLD),
            ", ".join(f"{file}{summary(change)}" for file, change in zip(files, each, strict=True)),
        )
        yield Entry(head, one_line(first.prompt or "(no prompt recorded)", _PROMPT_CHARS))


def _commit(commit: Commit) -> str:
    return f"commit {paint(commit.id[:SHORT], YELLOW)}"


def summary(change: Change) -> str:
    """Summarizes a turn's change: `+12 -3`, `new +40`, `renamed`, or `edited` if the number of lines is unknown."""
    lines = [f"+{change.added}"] if change.added is not None else []
    lines += [f"-{change.removed}"] if change.removed else []
    what = {"add": "new", "delete": "deleted", "rename": "renamed"}.get(change.change, "" if lines else "edited")
    times = [f"({change.edits} edits)"] if change.edits > 1 else []
    return " ".join([*filter(None, [what]), *lines, *times])
