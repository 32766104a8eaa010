"""`carryover sessions`: lists what is recorded."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from typing import Final

from carryover.clock import utc_now_ms
from carryover.errors import ExitCode, UserError
from carryover.faces.cli.arguments import TIMES, add_limit_argument, describe, flag
from carryover.past.context import nothing_recorded, project_root
from carryover.past.sessions import recorded_sessions
from carryover.past.types import Session
from carryover.terminal.output import BOLD, ago, paint, print_result, warn
from carryover.terminal.paths import short_path
from carryover.terminal.table import Column, table_lines
from carryover.text.harmless import one_line

_TASK_LIMIT: Final = 200
"""Maximum length of a title or task in characters; it may be a prompt of many pages."""
LIMIT: Final = 20
"""Default number of sessions in the list."""
FIRST_LOOK_BYTES: Final = 24_000_000
"""How much of the newest transcripts is read for `carryover` alone where nothing is recorded: it takes seconds."""

_SESSION: Final = Column("SESSION")
_AGENT: Final = Column("AGENT", least=6)
_PROJECT: Final = Column("PROJECT", least=10, keep_end=True)
_LAST: Final = Column("LAST")
_PROMPTS: Final = Column("PROMPTS", right=True)
_TASK: Final = Column("TASK", least=16)
_HEADS: Final = (_SESSION, _AGENT, _PROJECT, _LAST, _PROMPTS, _TASK)

DESCRIPTION: Final = """\
Lists recorded sessions, newest first: of the project you are in, of another
one, or of all."""

EXAMPLES: Final = """\
  carryover sessions               sessions of the project you are in
  carryover sessions ~/code/shop   sessions of another project
  carryover sessions --all --limit 100
  carryover sessions --agent claude --since yesterday
  carryover sessions --branch main
  carryover show ID                the conversation of one of them"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("project", metavar="PROJECT", nargs="?", help="a folder of the project (default: this one)")
    flag(parser, "--all", "sessions of all projects")
    parser.add_argument("--agent", metavar="AGENT", help="only those of AGENT, by its id or another name")
    parser.add_argument("--since", metavar="WHEN", help=f"only those with work since then: {TIMES}")
    parser.add_argument("--branch", metavar="NAME", help="only those on the git branch NAME")
    add_limit_argument(parser, usual=LIMIT, what="list at most N sessions")
    flag(parser, "--json", "print the list as JSON; times are UTC milliseconds")
    parser.add_argument("--first-look", action="store_true", help=argparse.SUPPRESS)  # `carryover` alone


def run(args: argparse.Namespace) -> None:
    if args.all and args.project is not None:
        raise UserError("Give PROJECT or --all, not both.", ExitCode.USAGE)
    root = None if args.all else project_root(args.project, elsewhere=True)
    limit = args.limit + (args.limit == LIMIT)  # one more, to know whether the list was cut unasked
    most_bytes = FIRST_LOOK_BYTES if args.first_look else 0
    found = recorded_sessions(
        root, limit=limit, agent=args.agent, since_ms=args.since, branch=args.branch, most_bytes=most_bytes
    )
    sessions = found[: args.limit]
    if not sessions and (args.agent or args.branch or args.since is not None):
        where = f"for {root}" if root else "anywhere"
        narrowed = "Without --agent, --since and --branch all are listed."
        raise UserError(f"No session that is recorded {where} matches. {narrowed}", ExitCode.NOTHING_FOUND)
    if not sessions:
        raise nothing_recorded(root)
    print_result(args, sessions, session_lines(sessions, with_project=root is None), fits=True)
    if len(found) > len(sessions) and not args.json:
        warn("These are the newest; --limit N lists more.")


def session_lines(sessions: Iterable[Session], *, with_project: bool) -> Iterator[str]:
    """Yields a list of sessions as a table that fits the terminal."""
    now = utc_now_ms()
    heads = [head for head in _HEADS if with_project or head is not _PROJECT]
    rows = []
    for session in sessions:
        cells = {
            _SESSION: paint(session.short, BOLD),
            _AGENT: session.agent_name,
            _PROJECT: short_path(session.project or "?"),
            _LAST: ago(session.last_ms, now),
            _PROMPTS: f"{session.prompts:,}",
            _TASK: one_line(session.title or "", _TASK_LIMIT),
        }
        rows.append([cells[head] for head in heads])
    return table_lines(heads, rows)
