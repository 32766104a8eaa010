"""`carryover sessions`: what was recorded, newest first."""

from __future__ import annotations

import argparse
import sqlite3
import time
from pathlib import Path
from typing import Any, Final

from carryover.agents import agent_names
from carryover.cli.agent_names import known_agent
from carryover.cli.arguments import TIMES, describe, moment_ms, positive
from carryover.cli.context import project_root
from carryover.cli.output import BOLD, ago, harmless, one_line, paint, print_json
from carryover.cli.pager import add_pager_argument, paged
from carryover.cli.recorded import ledger_of_project
from carryover.cli.short_ids import shortest_unique
from carryover.cli.table import Column, print_table
from carryover.distill.work.merge import task_of
from carryover.errors import ExitCode, UserError
from carryover.ledger.queries import SessionRow, project_by_root, session_ids, sessions
from carryover.paths import short_path
from carryover.publish.project_view import session_digest

TASK_LIMIT: Final = 200
"""Characters of a title or task; it may be a prompt of many pages."""
LIMIT: Final = 20

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
        listed = _listed(ledger, root, args)
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
    others = "; `carryover sessions --all` lists every project" if root else ""
    return UserError(
        f"No session is recorded {where}. `carryover status` says what is watched{others}.", ExitCode.NOTHING_FOUND
    )


def _listed(ledger: sqlite3.Connection, root: str | None, args: argparse.Namespace) -> list[dict[str, Any]]:
    project = project_by_root(ledger, root) if root is not None else None
    if root is not None and project is None:
        return []
    project_id = project.id if project else None
    rows = sessions(ledger, project_id, limit=args.limit, agent=args.agent, since_ms=args.since, branch=args.branch)
    short = shortest_unique(session_ids(ledger))
    return [session_entry(ledger, row, short[row.native_id]) for row in rows]


def session_entry(ledger: sqlite3.Connection, row: SessionRow, short: str) -> dict[str, Any]:
    """What a list says of one session; `short` is the beginning of its id that is unique."""
    digest = session_digest(ledger, row)
    return {
        "id": row.native_id,
        "short": short,
        "agent": row.agent,
        "agent_version": row.agent_version,
        "model": row.model,
        "project": row.root,
        "branch": row.branch,
        "title": row.title,
        "task": task_of(digest),
        "prompts": digest.prompts,
        "started_ms": row.started_ms,
        "last_ms": row.last_ms,
    }


def print_sessions(listed: list[dict[str, Any]], *, with_project: bool) -> None:
    """Prints entries, at least one, as a table as wide as the terminal."""
    heads = (
        Column("SESSION"),
        Column("AGENT", least=6),
        *((Column("PROJECT", least=10, keep_end=True),) if with_project else ()),
        Column("LAST"),
        Column("PROMPTS", right=True),
        Column("TASK", least=16),
    )
    now_ms, home = int(time.time() * 1000), Path.home()
    print_table(heads, (_row(entry, now_ms, home, with_project=with_project) for entry in listed))


def _row(entry: dict[str, Any], now_ms: int, home: Path, *, with_project: bool) -> tuple[str, ...]:
    project = [harmless(short_path(entry["project"], home)) if entry["project"] else "?"] if with_project else []
    return (
        paint(entry["short"], BOLD),
        agent_names().get(entry["agent"], entry["agent"]),
        *project,
        ago(entry["last_ms"], now_ms),
        f"{entry['prompts']:,}",
        one_line(entry["title"] or entry["task"] or "", TASK_LIMIT),
    )
