"""`carryover sessions`: what was recorded, newest first."""

from __future__ import annotations

import argparse
from typing import Final

from carryover.agents import agent_names
from carryover.cli.agent_names import known_agent
from carryover.cli.arguments import TIMES, describe, moment_ms, positive
from carryover.cli.context import project_root
from carryover.cli.output import print_json
from carryover.cli.pager import add_pager_argument, paged
from carryover.cli.recorded import ledger_of_project
from carryover.cli.session_table import LIMIT, print_sessions
from carryover.errors import ExitCode, UserError
from carryover.views.session_list import listed_sessions

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
    """Adds the help and the arguments of `carryover sessions`."""
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("project", metavar="PROJECT", nargs="?", help="a folder of the project (default: this one)")
    which.add_argument("--all", action="store_true", help="sessions of all projects")
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
    """Runs `carryover sessions`; returns the exit code."""
    root = None if args.all else project_root(args.project)
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
            print_sessions(listed, agent_names(), with_project=root is None)
    return ExitCode.OK


def _none_found(root: str | None, args: argparse.Namespace) -> UserError:
    where = f"for {root}" if root else "anywhere"
    if args.agent or args.branch or args.since is not None:
        return UserError(
            f"No session that is recorded {where} matches. Without --agent, --since and --branch all are listed.",
            ExitCode.NOTHING_FOUND,
        )
    others = "; `carryover sessions --all` lists every project" if root else ""
    return UserError(
        f"No session is recorded {where}. `carryover status` says what is watched{others}.", ExitCode.NOTHING_FOUND
    )
