"""`carryover why`: shows which turns changed a file, and for which prompts."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from carryover.actions.context import project_root
from carryover.actions.recorded import ledger_of_project
from carryover.agents import agent_names
from carryover.cli.arguments import describe, positive
from carryover.cli.search import local_time
from carryover.errors import ExitCode, UserError
from carryover.ledger.queries import project_by_root, session_ids
from carryover.ledger.short_ids import shortest_unique
from carryover.paths import expanded
from carryover.terminal.output import BOLD, harmless, paint, print_json
from carryover.terminal.pager import add_pager_argument, paged
from carryover.terminal.table import Column, print_table
from carryover.views.file_history import Change, changes_of

LIMIT: Final = 50
_PROMPT_CHARS: Final = 400

DESCRIPTION: Final = """\
Lists the turns in which agents changed a file, newest first, each with the
prompt that asked for it. The file may have been renamed or deleted since, and
its project moved."""

EXAMPLES: Final = """\
examples:
  carryover why src/cart.py
  carryover why ~/code/shop/cart.py --json
  carryover show ID                    the conversation of one of these turns
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("file", metavar="FILE", help="the file; it need not exist any more")
    parser.add_argument(
        "-n", "--limit", type=positive, default=LIMIT, metavar="N", help=f"list at most N turns (default: {LIMIT})"
    )
    parser.add_argument("--json", action="store_true", help="print the turns as JSON; times are UTC milliseconds")
    add_pager_argument(parser)


def run(args: argparse.Namespace) -> int:
    path = _absolute(args.file)
    root = project_root(str(path.parent))
    with ledger_of_project(root) as ledger:
        project = project_by_root(ledger, root)
        changes = changes_of(ledger, project, str(path))[: args.limit] if project is not None else []
        short = shortest_unique(session_ids(ledger))
    if not changes:
        raise UserError(
            f"No agent is known to have changed {path}. "
            + ("`carryover sessions` lists what is recorded." if project else f"Nothing is recorded for {root}."),
            ExitCode.NOTHING_FOUND,
        )
    if args.json:
        print_json(changes)
    else:
        with paged(args):
            _print(changes, short)
    return ExitCode.OK


def _absolute(file: str) -> Path:
    """Returns the file's path as agents record it: symlinks in its folder are resolved, but not the file itself."""
    path = expanded(file)
    return Path(os.path.realpath(path.parent), path.name)


def _print(changes: Sequence[Change], short: Mapping[str, str]) -> None:
    heads = (Column("WHEN"), Column("AGENT", least=6), Column("SESSION"), Column("CHANGE"), Column("PROMPT", least=20))
    names = agent_names()
    rows = [
        (
            local_time(change.at_ms),
            names.get(change.agent, change.agent),
            paint(short[change.session], BOLD),
            summary(change),
            " ".join(harmless(change.prompt or "(no prompt recorded)").split())[:_PROMPT_CHARS],
        )
        for change in changes
    ]
    print_table(heads, rows)


def summary(change: Change) -> str:
    """Summarizes a turn's change: `+12 -3`, `new +40`, `renamed`, or `edited` if the number of lines is unknown."""
    lines = [f"+{change.added}"] if change.added is not None else []
    lines += [f"-{change.removed}"] if change.removed else []
    what = {"add": "new", "delete": "deleted", "rename": "renamed"}.get(change.change, "" if lines else "edited")
    times = [f"({change.edits} edits)"] if change.edits > 1 else []
    return " ".join([*filter(None, [what]), *lines, *times])
