"""`carryover sessions` lists what is recorded, `search` finds prompts, answers, commands, paths and errors in it."""

from __future__ import annotations

import argparse
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from carryover.actions.context import nothing_recorded, now_ms, project_root
from carryover.actions.opened import Want, opened
from carryover.agents import agent_name
from carryover.cli.arguments import TIMES, add_limit_argument, describe, flag
from carryover.errors import ExitCode, UserError
from carryover.ledger.queries import session_ids, shortest_unique
from carryover.ledger.rows import ProjectRow
from carryover.ledger.search import Found, Hit, Query, search
from carryover.ledger.search_text import KINDS, Term, terms_of, window
from carryover.paths import short_path
from carryover.terminal.output import BOLD, ago, harmless, one_line, paint, put, terminal_width, warn, when
from carryover.terminal.pager import add_pager_argument, paged
from carryover.terminal.table import INDENT, Column, entry_lines, table_lines
from carryover.views.session_list import listed_sessions

TASK_LIMIT: Final = 200
"""Maximum length of a title or task in characters; it may be a prompt of many pages."""
SESSIONS_LIMIT: Final = 20
"""Default number of sessions in the list."""

SESSIONS: Final = """\
Lists recorded sessions, newest first: of the project you are in, of another
one, or of all."""

SESSIONS_EXAMPLES: Final = """\
  carryover sessions               sessions of the project you are in
  carryover sessions ~/code/shop   sessions of another project
  carryover sessions --all --limit 100
  carryover sessions --agent claude --since yesterday
  carryover sessions --branch main
  carryover show ID                the conversation of one of them"""


def sessions_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, SESSIONS, SESSIONS_EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("project", metavar="PROJECT", nargs="?", help="a folder of the project (default: this one)")
    flag(parser, "--all", "sessions of all projects")
    parser.add_argument("--agent", metavar="AGENT", help="only those of AGENT, by its id or another name")
    parser.add_argument("--since", metavar="WHEN", help=f"only those with work since then: {TIMES}")
    parser.add_argument("--branch", metavar="NAME", help="only those on the git branch NAME")
    add_limit_argument(parser, "--limit", usual=SESSIONS_LIMIT, what="list at most N sessions")
    flag(parser, "--json", "print the list as JSON; times are UTC milliseconds")
    add_pager_argument(parser)


def run_sessions(args: argparse.Namespace) -> None:
    if args.all and args.project is not None:
        raise UserError("Give PROJECT or --all, not both.", ExitCode.USAGE)
    root = None if args.all else project_root(args.project, elsewhere=True)
    with opened(Want.LISTED, root) as (ledger, _):
        listed = listed_sessions(
            ledger, root, limit=args.limit, agent=args.agent, since_ms=args.since, branch=args.branch
        )
    if not listed and (args.agent or args.branch or args.since is not None):
        where = f"for {root}" if root else "anywhere"
        narrowed = "Without --agent, --since and --branch all are listed."
        raise UserError(f"No session that is recorded {where} matches. {narrowed}", ExitCode.NOTHING_FOUND)
    if not listed:
        nothing = nothing_recorded(root) if root else "No session is recorded anywhere."
        others = "; `carryover sessions --all` lists every project" if root else ""
        raise UserError(f"{nothing} `carryover status` says what is watched{others}.", ExitCode.NOTHING_FOUND)
    with paged(args):
        put(args, listed, session_lines(listed, with_project=root is None), fits=True)


def session_lines(listed: Sequence[Mapping[str, Any]], *, with_project: bool) -> Iterator[str]:
    """Yields a list of session entries as a table that fits the terminal."""
    now, home = now_ms(), Path.home()
    cells: dict[Column, Callable[[Mapping[str, Any]], str]] = {
        Column("SESSION"): lambda entry: paint(entry["short"], BOLD),
        Column("AGENT", least=6): lambda entry: agent_name(entry["agent"], entry["machine"]),
        Column("PROJECT", least=10, keep_end=True): lambda entry: short_path(entry["project"] or "?", home),
        Column("LAST"): lambda entry: ago(entry["last_ms"], now),
        Column("PROMPTS", right=True): lambda entry: f"{entry['prompts']:,}",
        Column("TASK", least=16): lambda entry: one_line(entry["title"] or entry["task"] or "", TASK_LIMIT),
    }
    heads = [head for head in cells if with_project or head.title != "PROJECT"]
    return table_lines(heads, ([cells[head](entry) for head in heads] for entry in listed))


SEARCH_LIMIT: Final = 20
SNIPPET_CHARS: Final = 200
"""Maximum length of a snippet."""
FOUND: Final = "1;33"
"""The style of matches."""

SEARCH: Final = """\
Finds prompts, answers, commands, paths and errors of failed tools, best first:
of the project you are in, of another one, or of all. An entry has all words;
where none has, those with some of them are listed. A word of three characters
or more also finds longer words that begin with it, and a part of a name or path
finds it: `user` finds get_user_name, getUserName and src/user/name.py. What
tools printed when they succeeded is not searched."""

SEARCH_EXAMPLES: Final = """\
  carryover search discount checkout
  carryover search '"not a function"'        these words side by side
  carryover search 'ut*'                     short words that begin so
  carryover search --kind error --since 7d timeout
  carryover search --all --agent codex migration
  carryover show ID                          the conversation of a hit"""


def search_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, SEARCH, SEARCH_EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("words", metavar="WORDS", nargs="+", help="what to search; a phrase in double quotes")
    parser.add_argument("--project", metavar="DIR", help="search the project that DIR is in (default: this one)")
    flag(parser, "--all", "search all projects")
    parser.add_argument("--agent", metavar="AGENT", help="only what AGENT recorded, by its id or another name")
    parser.add_argument("--since", metavar="WHEN", help=f"only what is not older: {TIMES}")
    parser.add_argument(
        "--kind", choices=KINDS, action="append", help=f"only {', '.join(KINDS[:-1])} or {KINDS[-1]}; may be repeated"
    )
    add_limit_argument(parser, "-n", "--limit", usual=SEARCH_LIMIT, what="list at most N hits")
    flag(parser, "--json", "print the hits as JSON; times are UTC milliseconds")
    add_pager_argument(parser)


def run_search(args: argparse.Namespace) -> int:
    if args.all and args.project is not None:
        raise UserError("Give --project DIR or --all, not both.", ExitCode.USAGE)
    query = " ".join(args.words)
    terms = terms_of(query)
    if not terms:
        raise UserError(f"{query!r} has no letter and no digit to search for.", ExitCode.USAGE)
    root = None if args.all else project_root(args.project, elsewhere=True)
    with opened(Want.LISTED, root) as (ledger, project):
        found = _found(ledger, terms, root, project, args)
        short = shortest_unique(session_ids(ledger)) if found.hits else {}
    if found.indexed < 1:
        part = f"Only {found.indexed:.0%} of what is recorded can be searched yet, the newest first."
        warn(f"{part} carryoverd completes that while it runs.")
    if not found.hits and not args.json:
        others = " `--all` searches every project." if root else ""
        raise UserError(f"Nothing recorded {f'for {root} ' if root else ''}matches.{others}", ExitCode.NOTHING_FOUND)
    if not found.has_all and not args.json:
        warn("No entry has all of these words; these have some of them.")
    about = {"query": query, "project": root, "indexed": found.indexed, "has_all_words": found.has_all}
    data = about | {"hits": [_as_data(hit, short[hit.session]) for hit in found.hits]}
    with paged(args):
        put(args, data, _lines(found.hits, terms, short, with_project=root is None))
    return ExitCode.OK if found.hits else ExitCode.NOTHING_FOUND


def _found(
    ledger: sqlite3.Connection,
    terms: tuple[Term, ...],
    root: str | None,
    project: ProjectRow | None,
    args: argparse.Namespace,
) -> Found:
    if root is not None and project is None and not args.json:
        nothing = f"No session is recorded for {root}. `carryover search --all` searches every project."
        raise UserError(nothing, ExitCode.NOTHING_FOUND)
    project_id = None if root is None else project.id if project is not None else 0  # an id that no project has
    kinds = tuple(args.kind or ())
    query = Query(terms=terms, project_id=project_id, agent=args.agent, since_ms=args.since, kinds=kinds)
    return search(ledger, query, limit=args.limit, now_ms=now_ms())


def _as_data(hit: Hit, short: str) -> dict[str, Any]:
    return {
        "id": hit.session,
        "short": short,
        "agent": hit.agent,
        "machine": hit.machine or None,
        "project": hit.root,
        "subagent_id": hit.subagent_id,
        "kind": hit.kind,
        "at_ms": hit.at_ms,
        "times": hit.times,
        "text": hit.text,
    }


def _lines(
    hits: Sequence[Hit], terms: tuple[Term, ...], short: Mapping[str, str], *, with_project: bool
) -> Iterator[str]:
    width, home, now = terminal_width(), Path.home(), now_ms()
    chars = SNIPPET_CHARS if width is None else min(width - len(f"{INDENT}……"), SNIPPET_CHARS)
    for hit in hits:
        head = (
            when(hit.at_ms, now),
            agent_name(hit.agent, hit.machine),
            paint(short[hit.session], BOLD),
            (short_path(hit.root, home) if hit.root else "?") if with_project else "",
            hit.kind,
            f"{hit.times} times" if hit.times > 1 else "",
        )
        yield from entry_lines(head, snippet(hit.text, terms, chars))


def snippet(text: str, terms: tuple[Term, ...], chars: int = SNIPPET_CHARS) -> str:
    """Returns the part of `text` with most of the terms, as one line, highlighted if colour is on."""
    line = " ".join(harmless(text).split())
    start, end, found = window(line, terms, chars)
    pieces, at = ["…" if start else ""], start
    for first, last in found:
        if start <= first and last <= end:
            pieces += [line[at:first], paint(line[first:last], FOUND)]
            at = last
    return "".join([*pieces, line[at:end], "…" if end < len(line) else ""])
