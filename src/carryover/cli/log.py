"""`carryover log`: the timeline of a project across agents, newest first."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from carryover.actions.context import now_ms, project_root
from carryover.actions.recorded import ledger_of_project
from carryover.agents import agent_name, agent_names
from carryover.cli.agent_names import known_agent
from carryover.cli.arguments import TIMES, describe, moment_ms, positive
from carryover.errors import ExitCode, UserError
from carryover.ledger.queries import project_by_root, session_ids, shortest_unique
from carryover.model import NOTE
from carryover.probe.git_history import SHORT, newest_commits
from carryover.terminal.entries import Entry, print_entries
from carryover.terminal.output import BOLD, GREEN, RED, YELLOW, harmless, paint, print_json, when
from carryover.terminal.pager import add_pager_argument, paged
from carryover.views.timeline import Moment, Wanted, timeline

LIMIT: Final = 100

DESCRIPTION: Final = """\
Prints what happened in a project, newest first, whichever agent did it: where
sessions began and one agent took over from another, your prompts (their first
line), tests that began to fail or pass again, compactions and usage limits; the
commits that a session made itself, and those with edits of it that were made
until an hour after it."""

EXAMPLES: Final = """\
examples:
  carryover log                        the project you are in
  carryover log ~/code/shop -n 500     further back, in another project
  carryover log --since yesterday --agent codex
  carryover why COMMIT                 the turns that are in a commit
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("project", metavar="PROJECT", nargs="?", help="a folder of the project (default: this one)")
    parser.add_argument("--since", metavar="WHEN", type=moment_ms, default=0, help=f"only what is not older: {TIMES}")
    parser.add_argument(
        "--agent", metavar="AGENT", type=known_agent, help="only what AGENT did, by its id or another name"
    )
    parser.add_argument(
        "-n", "--limit", type=positive, default=LIMIT, metavar="N", help=f"print at most N entries (default: {LIMIT})"
    )
    parser.add_argument("--json", action="store_true", help="print the timeline as JSON; times are UTC milliseconds")
    add_pager_argument(parser)


def run(args: argparse.Namespace) -> int:
    root = project_root(args.project)
    with ledger_of_project(root) as ledger:
        project = project_by_root(ledger, root)
        moments = []
        if project is not None:
            commits = newest_commits(Path(root), since_ms=args.since)
            wanted = Wanted(since_ms=args.since, agent=args.agent)
            moments = timeline(ledger, project.id, wanted, limit=args.limit, commits=commits)
        short = shortest_unique(session_ids(ledger))
    if not moments:
        narrowed = " Without --since and --agent all is listed." if args.agent or args.since else ""
        raise UserError(f"Nothing is recorded for {root} that matches.{narrowed}", ExitCode.NOTHING_FOUND)
    if args.json:
        print_json(moments)
    else:
        with paged(args):
            _print(moments, short)
    return ExitCode.OK


def _print(moments: list[Moment], short: Mapping[str, str]) -> None:
    names, now = agent_names(), now_ms()
    print_entries(Entry(_head(moment, short, now), _text(moment, names)) for moment in moments)


def _head(moment: Moment, short: Mapping[str, str], now: int) -> tuple[str, ...]:
    return (
        when(moment.at_ms, now),
        agent_name(moment.agent, moment.machine) if moment.agent != NOTE else "",
        paint(short[moment.session], BOLD),
        moment.kind if moment.how != "edits" else "commit with its edits",
        paint(moment.commit[:SHORT], YELLOW) if moment.commit else "",
    )


def _text(moment: Moment, names: Mapping[str, str]) -> str:
    text = " ".join(harmless(moment.text).split())
    if moment.kind == "hand-over":
        return f"from {names.get(text, text)} to {names.get(moment.agent, moment.agent)}"
    if moment.kind == "tests":
        return paint(text, RED if text.startswith("fail") else GREEN)
    return text
