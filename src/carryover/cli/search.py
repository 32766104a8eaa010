"""`carryover search`: searches prompts, answers, commands, paths and errors."""

from __future__ import annotations

import argparse
import sqlite3
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from carryover.actions.context import now_ms, project_root
from carryover.actions.recorded import ledger_of_project
from carryover.agents import agent_name
from carryover.cli.agent_names import known_agent
from carryover.cli.arguments import TIMES, describe, moment_ms, positive
from carryover.errors import ExitCode, UserError
from carryover.ledger.queries import project_by_root, session_ids, shortest_unique
from carryover.ledger.search import Found, Hit, Query, search
from carryover.ledger.search_text import KINDS, Term, terms_of, window
from carryover.paths import short_path
from carryover.terminal.entries import INDENT, Entry, print_entries
from carryover.terminal.output import BOLD, harmless, highlight, paint, print_json, terminal_width, when
from carryover.terminal.pager import add_pager_argument, paged

LIMIT: Final = 20
SNIPPET_CHARS: Final = 200
"""Maximum length of a snippet."""

DESCRIPTION: Final = """\
Finds prompts, answers, commands, paths and errors of failed tools, best first:
of the project you are in, of another one, or of all. An entry has all words;
where none has, those with some of them are listed. A word of three characters
or more also finds longer words that begin with it, and a part of a name or path
finds it: `user` finds get_user_name, getUserName and src/user/name.py. What
tools printed when they succeeded is not searched."""

EXAMPLES: Final = """\
examples:
  carryover search discount checkout
  carryover search '"not a function"'        these words side by side
  carryover search 'ut*'                     short words that begin so
  carryover search --kind error --since 7d timeout
  carryover search --all --agent codex migration
  carryover show ID                          the conversation of a hit
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("words", metavar="WORDS", nargs="+", help="what to search; a phrase in double quotes")
    parser.add_argument("--project", metavar="DIR", help="search the project that DIR is in (default: this one)")
    parser.add_argument("--all", action="store_true", help="search all projects")
    parser.add_argument(
        "--agent", metavar="AGENT", type=known_agent, help="only what AGENT recorded, by its id or another name"
    )
    parser.add_argument("--since", metavar="WHEN", type=moment_ms, help=f"only what is not older: {TIMES}")
    parser.add_argument(
        "--kind", choices=KINDS, action="append", help=f"only {', '.join(KINDS[:-1])} or {KINDS[-1]}; may be repeated"
    )
    parser.add_argument(
        "-n", "--limit", type=positive, default=LIMIT, metavar="N", help=f"list at most N hits (default: {LIMIT})"
    )
    parser.add_argument("--json", action="store_true", help="print the hits as JSON; times are UTC milliseconds")
    add_pager_argument(parser)


def run(args: argparse.Namespace) -> int:
    if args.all and args.project is not None:
        raise UserError("Give --project DIR or --all, not both.", ExitCode.USAGE)
    query = " ".join(args.words)
    terms = terms_of(query)
    if not terms:
        raise UserError(f"{query!r} has no letter and no digit to search for.", ExitCode.USAGE)
    root = None if args.all else project_root(args.project, elsewhere=True)
    with ledger_of_project(root) as ledger:
        found, short = _found(ledger, terms, root, args)
    if found.indexed < 1:
        print(
            f"Only {found.indexed:.0%} of what is recorded can be searched yet, the newest first. "
            "carryoverd completes that while it runs.",
            file=sys.stderr,
        )
    if args.json:
        print_json(_as_data(found, query, root, short))
    elif found.hits:
        with paged(args):
            _print(found, terms, short, with_project=root is None)
    if not found.hits and not args.json:
        others = " `--all` searches every project." if root else ""
        raise UserError(f"Nothing recorded {f'for {root} ' if root else ''}matches.{others}", ExitCode.NOTHING_FOUND)
    return ExitCode.OK if found.hits else ExitCode.NOTHING_FOUND


def snippet(text: str, terms: tuple[Term, ...], chars: int = SNIPPET_CHARS) -> str:
    """Returns the part of `text` with most of the terms, as one line, highlighted if colour is on."""
    line = " ".join(harmless(text).split())
    start, end, found = window(line, terms, chars)
    seen = [(first - start, last - start) for first, last in found if start <= first and last <= end]
    return f"{'…' if start else ''}{highlight(line[start:end], seen)}{'…' if end < len(line) else ''}"


def _found(
    ledger: sqlite3.Connection, terms: tuple[Term, ...], root: str | None, args: argparse.Namespace
) -> tuple[Found, Mapping[str, str]]:
    project = project_by_root(ledger, root) if root is not None else None
    if root is not None and project is None:
        raise UserError(
            f"No session is recorded for {root}. `carryover search --all` searches every project.",
            ExitCode.NOTHING_FOUND,
        )
    query = Query(
        terms=terms,
        project_id=project.id if project is not None else None,
        agent=args.agent,
        since_ms=args.since,
        kinds=tuple(args.kind or ()),
    )
    found = search(ledger, query, limit=args.limit, now_ms=now_ms())
    return found, shortest_unique(session_ids(ledger)) if found.hits else {}


def _as_data(found: Found, query: str, root: str | None, short: Mapping[str, str]) -> dict[str, Any]:
    return {
        "query": query,
        "project": root,
        "indexed": found.indexed,
        "has_all_words": found.has_all,
        "hits": [
            {
                "id": hit.session,
                "short": short[hit.session],
                "agent": hit.agent,
                "machine": hit.machine or None,
                "project": hit.root,
                "subagent_id": hit.subagent_id,
                "kind": hit.kind,
                "at_ms": hit.at_ms,
                "times": hit.times,
                "text": hit.text,
            }
            for hit in found.hits
        ],
    }


def _print(found: Found, terms: tuple[Term, ...], short: Mapping[str, str], *, with_project: bool) -> None:
    if not found.has_all:
        print("No entry has all of these words; these have some of them.", file=sys.stderr)
    width = terminal_width()
    chars = SNIPPET_CHARS if width is None else min(width - len(f"{INDENT}……"), SNIPPET_CHARS)
    home, now = Path.home(), now_ms()
    print_entries(
        Entry(_head(hit, short, now, home if with_project else None), snippet(hit.text, terms, chars))
        for hit in found.hits
    )


def _head(hit: Hit, short: Mapping[str, str], now: int, home: Path | None) -> tuple[str, ...]:
    """Returns the facts of a hit; its project is among them if the user's `home` is given."""
    return (
        when(hit.at_ms, now),
        agent_name(hit.agent, hit.machine),
        paint(short[hit.session], BOLD),
        (short_path(hit.root, home) if hit.root else "?") if home is not None else "",
        hit.kind,
        f"{hit.times} times" if hit.times > 1 else "",
    )
