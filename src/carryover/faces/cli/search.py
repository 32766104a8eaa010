"""`carryover search`: finds prompts, answers, commands, paths and errors in what is recorded."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Final

from carryover.clock import utc_now_ms
from carryover.errors import ExitCode, UserError
from carryover.faces.cli.arguments import TIMES, add_limit_argument, describe, flag
from carryover.past.context import nothing_recorded
from carryover.past.search import KINDS, excerpt_of, line_of, searched
from carryover.past.titles import show_command
from carryover.past.types import Search
from carryover.terminal.output import BOLD, paint, print_result, terminal_width, warn, when
from carryover.terminal.paths import short_path
from carryover.terminal.table import INDENT, entry_lines

_LIMIT: Final = 20
_SNIPPET_CHARS: Final = 200
"""Maximum length of a snippet."""
_EVERYWHERE: Final = "`--all` searches every project"
FOUND: Final = "1;33"
"""The style of matches."""

DESCRIPTION: Final = """\
Finds prompts, answers, commands, paths and errors of failed tools, best first:
of the project you are in, of another one, or of all. What has all words comes
first; where few have, those with some of them follow, and the output says so.
In a question, words such as `why` and `the` count only if there are no others.
A word of three characters or more also finds longer words that begin with it,
and a part of a name or path finds it: `user` finds get_user_name, getUserName
and src/user/name.py. Other forms of words are found after that. For a word that
is found nowhere, the nearest known words are searched, and the output says so.
In Chinese, Japanese or Thai, parts of a sentence are enough. What tools printed
when they succeeded is not searched."""

EXAMPLES: Final = """\
  carryover search discount checkout
  carryover search '"not a function"'        these words side by side
  carryover search 'ut*'                     short words that begin so
  carryover search -- --no-verify            words that begin with a dash
  carryover search --kind error --since 7d timeout
  carryover search --all --agent codex migration
  carryover show 58cb4187 --turn 2           a hit, as the listing names it"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument(
        "words",
        metavar="WORDS",
        nargs="+",
        help="what to search; a phrase in double quotes",
    )
    parser.add_argument("--project", metavar="DIR", help="search the project that DIR is in (default: this one)")
    flag(parser, "--all", "search all projects")
    parser.add_argument("--agent", metavar="AGENT", help="only what AGENT recorded, by its id or another name")
    parser.add_argument("--since", metavar="WHEN", help=f"only what is not older: {TIMES}")
    parser.add_argument(
        "--kind", choices=KINDS, action="append", help=f"only {', '.join(KINDS[:-1])} or {KINDS[-1]}; may be repeated"
    )
    add_limit_argument(parser, usual=_LIMIT, what="list at most N hits")
    flag(parser, "--json", "print the hits as JSON; times are UTC milliseconds")


def run(args: argparse.Namespace) -> int:
    if args.all and args.project is not None:
        raise UserError("Give --project DIR or --all, not both.", ExitCode.USAGE)
    answer = searched(
        " ".join(args.words),
        args.project,
        everywhere=args.all,
        agent=args.agent,
        since_ms=args.since,
        kinds=args.kind or (),
        limit=args.limit,
    )
    if not args.json:
        _warn(answer, _filters(args))
    print_result(args, answer, _lines(answer))
    return ExitCode.OK if answer.hits else ExitCode.NOTHING_FOUND


def _filters(args: argparse.Namespace) -> list[str]:
    given = (("--agent", args.agent), ("--since", args.since), ("--kind", args.kind))
    return [name for name, value in given if value is not None]


def _warn(answer: Search, filters: Sequence[str]) -> None:
    """Says in what way the list is not all. Raises UserError (NOTHING_FOUND) if it is empty."""
    if not answer.is_recorded:
        raise nothing_recorded(answer.project, elsewhere=f"{_EVERYWHERE}.")
    if answer.note:
        warn(answer.note)
    if not answer.hits:
        where = f"for {answer.project} " if answer.project else ""
        instead = _EVERYWHERE if answer.project else "Other words, or a part of one, may"
        instead = f"Without {' and '.join(filters)} more is searched" if filters else instead
        raise UserError(f"Nothing recorded {where}matches. {instead}.", ExitCode.NOTHING_FOUND)


def _lines(answer: Search) -> Iterator[str]:
    width, now = terminal_width(), utc_now_ms()
    chars = _SNIPPET_CHARS if width is None else min(width - len(f"{INDENT}……"), _SNIPPET_CHARS)
    for hit in answer.hits:
        project = short_path(hit.project) if hit.project else "?"
        head = (
            when(hit.at_ms, now),
            hit.agent_name,
            paint(show_command(hit.short, hit.turn, subagent=hit.subagent_id is not None), BOLD),
            project if answer.project is None else "",
            hit.kind,
            f"{hit.times} times" if hit.times > 1 else "",
        )
        pieces = excerpt_of(line_of(hit), answer.terms, chars)
        text = "".join(paint(piece, FOUND) if number % 2 else piece for number, piece in enumerate(pieces))
        yield from entry_lines(head, text)
