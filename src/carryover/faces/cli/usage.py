"""`carryover usage`: adds up the tokens that agents recorded."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Final, get_args

from carryover.clock import utc_now_ms
from carryover.errors import ExitCode, UserError
from carryover.faces.cli.arguments import TIMES, describe, flag
from carryover.past.context import first_day_ms, project_root
from carryover.past.types import Used, UsedRow, Window
from carryover.past.usage import By, used_since
from carryover.terminal.output import BOLD, counted, duration, local_time, paint, print_result, when
from carryover.terminal.paths import short_path
from carryover.terminal.table import Column, table_lines
from carryover.text.harmless import harmless

USUAL_DAYS: Final = 7

DESCRIPTION: Final = """\
Adds up the tokens that agents recorded in their transcripts, each answer once:
those of the last 7 days in all projects, by day, or by agent, model or project.
Tokens read from a cache have columns of their own. Where an agent records
how much of a usage limit is used up, that is printed too, except for one
project. What the sums lack is named below them."""

EXAMPLES: Final = """\
  carryover usage                        the last 7 days, in all projects
  carryover usage --project .            in the project you are in
  carryover usage --by model             which models took most
  carryover usage --by project --since 2026-11-01
  carryover usage --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("--by", choices=get_args(By), default="day", help="what a row is (default: day)")
    parser.add_argument("--project", metavar="DIR", help="only the project that DIR is in (default: all projects)")
    parser.add_argument("--since", metavar="WHEN", help=f"only what was used since then: {TIMES}")
    flag(parser, "--json", "print the sums as JSON; times are UTC milliseconds")


def run(args: argparse.Namespace) -> None:
    since_ms = args.since if args.since is not None else first_day_ms(USUAL_DAYS)
    root = project_root(args.project, elsewhere=True) if args.project is not None else None
    used = used_since(since_ms, args.by, root)
    if not used.rows and not used.windows:
        where = f" in {root}" if root is not None else ""
        nothing = f"No tokens are recorded{where} since {local_time(since_ms)}. Some agents record none."
        raise UserError(" ".join([nothing, *_not_counted(used)]), ExitCode.NOTHING_FOUND)
    print_result(args, used, _lines(used))


def _lines(used: Used) -> Iterator[str]:
    heads = [
        Column(used.by.upper(), least=10, keep_end=used.by == "project"),
        *(Column(title, right=True) for title in ("INPUT", "OUTPUT", "CACHE WRITTEN", "CACHE READ")),
    ]
    if used.rows:
        where = short_path(harmless(used.project)) if used.project is not None else "all projects"
        yield f"Tokens in {where} since {local_time(used.since_ms)}:"
        rows = [*map(_cells, used.rows), [paint(cell, BOLD) for cell in _cells(used.total)]]
        yield from table_lines(heads, rows)
    now = utc_now_ms()
    for window in used.windows:
        yield _window(window, now)
    yield from _not_counted(used)


def _not_counted(used: Used) -> Iterator[str]:
    """Yields what the sums lack."""
    if used.without_tokens:
        sessions = ", ".join(f"{counted(one.number, 'session')} of {one.agent}" for one in used.without_tokens)
        yield f"Not counted, since no tokens are recorded for them: {sessions}."


def _cells(row: UsedRow) -> list[str]:
    tokens = row.tokens
    numbers = (tokens.input, tokens.output, tokens.cache_write, tokens.cache_read)
    return [short_path(harmless(row.name)), *(f"{number:,}" for number in numbers)]


def _window(window: Window, now: int) -> str:
    length = f" of {duration(window.minutes * 60)}" if window.minutes else ""
    limit = f"{harmless(window.name)} limit{length}"
    resets = f"; resets {local_time(window.resets_ms)}" if window.resets_ms else ""
    return f"{window.agent}: {window.used_percent:g} % of its {limit} used ({when(window.at_ms, now)}){resets}"
