"""`carryover sessions`: lists the recorded sessions, newest first."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from carryover.actions.context import project_root
from carryover.actions.recorded import ledger_of_project, nothing_recorded
from carryover.agents import agent_name
from carryover.cli.agent_names import known_agent
from carryover.cli.arguments import TIMES, describe, moment_ms, positive
from carryover.errors import ExitCode, UserError
from carryover.paths import short_path
from carryover.terminal.output import BOLD, ago, one_line, paint, print_json
from carryover.terminal.pager import add_pager_argument, paged
from carryover.terminal.table import Column, print_table
from carryover.views.session_list import listed_sessions

TASK_LIMIT: Final = 200
"""Maximum length of a title or task in characters; it may be a prompt of many pages."""
LIMIT: Final = 20
"""Default number of sessions in the list."""

DESCRIPTION: Final = """\
Lists recorded sessions, newest first: of the project you are in, of another
one, or of all."""

EXAMPLES: Final = """\
examples:
  carryover sessions               sessions of the project you are in
  carryover sessions ~/code/shop   sessions of another project
  carryover sessions --all --limit 100
  carryover sessions --agent claude --since yesterday
  carryover sessions --branch main
  carryover show ID                the conversation of one of them
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("project", metavar="PROJECT", nargs="?", help="a folder of the project (default: this one)")
    parser.add_argument("--all", action="store_true", help="sessions of all projects")
    parser.add_argument(
        "--agent", metavar="AGENT", type=known_agent, help="only those of AGENT, by its id or another name"
    )
    parser.add_argument("--since", metavar="WHEN", type=moment_ms, help=f"only those with work since then: {TIMES}")
    parser.add_argument("--branch", metavar="NAME", help="only those on the git branch NAME")
    parser.add_argument(
        "--limit", type=positive, default=LIMIT, metavar="N", help=f"list at most N sessions (default: {LIMIT})"
    )
    parser.add_argument("--json", action="store_true", help="print the list as JSON; times are UTC milliseconds")
    add_pager_argument(parser)


def run(args: argparse.Namespace) -> int:
    if args.all and args.project is not None:
        raise UserError("Give PROJECT or --all, not both.", ExitCode.USAGE)
    root = None if args.all else project_root(args.project, elsewhere=True)
    with ledger_of_project(root) as ledger:
        listed = listed_sessions(
            ledger, root, limit=args.limit, agent=args.agent, since_ms=args.since, branch=args.branch
        )
    if not listed:
        raise _none_found(root, args)
    if args.json:
        print_json(listed)
    else:
        with paged(args):
            print_sessions(listed, with_project=root is None)
    return ExitCode.OK


def _none_found(root: str | None, args: argparse.Namespace) -> UserError:
    where = f"for {root}" if root else "anywhere"
    if args.agent or args.branch or args.since is not None:
        return UserError(
            f"No session that is recorded {where} matches. Without --agent, --since and --branch all are listed.",
            ExitCode.NOTHING_FOUND,
        )
    nothing = nothing_recorded(root) if root else f"No session is recorded {where}."
    others = "; `carryover sessions --all` lists every project" if root else ""
    return UserError(f"{nothing} `carryover status` says what is watched{others}.", ExitCode.NOTHING_FOUND)


def print_sessions(listed: Sequence[Mapping[str, Any]], *, with_project: bool) -> None:
    """Prints a non-empty list of entries as a table that fits the terminal."""
    heads = (
        Column("SESSION"),
        Column("AGENT", least=6),
        *((Column("PROJECT", least=10, keep_end=True),) if with_project else ()),
        Column("LAST"),
        Column("PROMPTS", right=True),
        Column("TASK", least=16),
    )
    now_ms = int(time.time() * 1000)
    print_table(heads, (_row(entry, now_ms, with_project=with_project) for entry in listed))


def _row(entry: Mapping[str, Any], now_ms: int, *, with_project: bool) -> tuple[str, ...]:
    project = [short_path(entry["project"], Path.home()) if entry["project"] else "?"] if with_project else []
    return (
        paint(entry["short"], BOLD),
        agent_name(entry["agent"], entry["machine"]),
        *project,
        ago(entry["last_ms"], now_ms),
        f"{entry['prompts']:,}",
        one_line(entry["title"] or entry["task"] or "", TASK_LIMIT),
    )
