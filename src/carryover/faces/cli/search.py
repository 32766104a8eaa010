"""`carryover search`: finds prompts, answers, commands, paths and errors in what is recorded."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from carryover.errors import ExitCode, UserError
from carryover.faces.cli.arguments import TIMES, UsageError, add_limit_argument, add_pager_argument, describe, flag
from carryover.past.context import now_ms
from carryover.past.searching import KINDS, Search, said_otherwise, searched
from carryover.terminal.output import BOLD, harmless, paint, put, terminal_width, warn, when
from carryover.terminal.pager import paged
from carryover.terminal.paths import short_path
from carryover.terminal.table import INDENT, entry_lines

LIMIT: Final = 20
SNIPPET_CHARS: Final = 200
"""Maximum length of a snippet."""
FOUND: Final = "1;33"
"""The style of matches."""

DESCRIPTION: Final = """\
Finds prompts, answers, commands, paths and errors of failed tools, best first:
of the project you are in, of another one, or of all. An entry has all words;
where none has, those with some of them are listed. A word of three characters
or more also finds longer words that begin with it, and a part of a name or path
finds it: `user` finds get_user_name, getUserName and src/user/name.py. Other
forms of English words are found after that. For a word that is found nowhere,
the nearest known words are searched, and the output says so. What tools printed
when they succeeded is not searched.

Without WORDS, on a terminal, it searches while you type, with the turn of the
chosen hit below the list. Enter shows that turn and comes back, the down arrow
leads to the list, where c continues from there in an agent and r resumes the
session. Tab leads to the filters by agent, project and day, esc goes back; f1
shows all keys."""

EXAMPLES: Final = """\
  carryover search discount checkout
  carryover search                           search while you type
  carryover search '"not a function"'        these words side by side
  carryover search 'ut*'                     short words that begin so
  carryover search --kind error --since 7d timeout
  carryover search --all --agent codex migration
  carryover show 58cb4187 --turn 2           a hit, as the listing names it"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument(
        "words",
        metavar="WORDS",
        nargs="*",
        help="what to search; a phrase in double quotes (default: search while you type)",
    )
    parser.set_defaults(usage=parser.format_usage)
    parser.add_argument("--project", metavar="DIR", help="search the project that DIR is in (default: this one)")
    flag(parser, "--all", "search all projects")
    parser.add_argument("--agent", metavar="AGENT", help="only what AGENT recorded, by its id or another name")
    parser.add_argument("--since", metavar="WHEN", help=f"only what is not older: {TIMES}")
    parser.add_argument(
        "--kind", choices=KINDS, action="append", help=f"only {', '.join(KINDS[:-1])} or {KINDS[-1]}; may be repeated"
    )
    add_limit_argument(parser, "-n", "--limit", usual=LIMIT, what="list at most N hits")
    flag(parser, "--json", "print the hits as JSON; times are UTC milliseconds")
    add_pager_argument(parser)


def run(args: argparse.Namespace) -> int:
    if args.all and args.project is not None:
        raise UserError("Give --project DIR or --all, not both.", ExitCode.USAGE)
    if not args.words:
        return _search_live(args)
    query = " ".join(args.words)
    found = searched(
        query,
        args.project,
        everywhere=args.all,
        agent=args.agent,
        since_ms=args.since,
        kinds=args.kind or (),
        limit=args.limit,
    )
    if not args.json:
        _warn(found)
    elif found.indexed < 1:
        warn(_incomplete(found))
    about = {
        "query": query,
        "project": found.root,
        "indexed": found.indexed,
        "has_all_words": found.has_all,
        "corrected": dict(found.corrected),
    }
    data = about | {"hits": [place.as_data() for place in found.places]}
    with paged(args):
        put(args, data, _lines(found))
    return ExitCode.OK if found.places else ExitCode.NOTHING_FOUND


def _search_live(args: argparse.Namespace) -> int:
    from carryover.faces.cli.picker import can_pick, search_live

    if args.json or not can_pick():
        raise UsageError(args.usage(), "carryover search", "the following arguments are required: WORDS")
    from carryover.faces.cli.main import main
    from carryover.past.live_search import live_search

    opened = live_search(
        args.project, everywhere=args.all, agent=args.agent, since_ms=args.since, kinds=args.kind or ()
    )
    return search_live(opened, main)


def _warn(found: Search) -> None:
    """Says in what way the list is not all. Raises UserError (NOTHING_FOUND) if it is empty."""
    if not found.is_known:
        nothing = f"No session is recorded for {found.root}. `carryover search --all` searches every project."
        raise UserError(nothing, ExitCode.NOTHING_FOUND)
    if found.indexed < 1:
        warn(_incomplete(found))
    if not found.places:
        others = " `--all` searches every project." if found.root else ""
        where = f"for {found.root} " if found.root else ""
        raise UserError(f"Nothing recorded {where}matches.{others}", ExitCode.NOTHING_FOUND)
    if found.corrected:
        warn(f"{said_otherwise(found.corrected)}.")
    if not found.has_all:
        warn("No entry has all of these words; these have some of them.")


def _incomplete(found: Search) -> str:
    part = f"Only {found.indexed:.0%} of what is recorded can be searched yet, the newest first."
    return f"{part} carryoverd completes that while it runs."


def _lines(found: Search) -> Iterator[str]:
    width, home, now = terminal_width(), Path.home(), now_ms()
    chars = SNIPPET_CHARS if width is None else min(width - len(f"{INDENT}……"), SNIPPET_CHARS)
    for place in found.places:
        hit = place.hit
        project = short_path(hit.root, home) if hit.root else "?"
        head = (
            when(hit.at_ms, now),
            place.agent,
            paint(place.show, BOLD),
            project if found.root is None else "",
            hit.kind,
            f"{hit.times} times" if hit.times > 1 else "",
        )
        yield from entry_lines(head, snippet(hit.text, found, chars))


def snippet(text: str, found: Search, chars: int) -> str:
    """Returns the part of `text` with most of the words, as one line, highlighted if colour is on."""
    line = " ".join(harmless(text).split())
    start, end, places = found.window(line, chars)
    pieces, at = ["…" if start else ""], start
    for first, last in places:
        if start <= first and last <= end:
            pieces += [line[at:first], paint(line[first:last], FOUND)]
            at = last
    return "".join([*pieces, line[at:end], "…" if end < len(line) else ""])
