"""`carryover forget`: removes sessions, or a period of time, from everything that Carryover keeps."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import msgspec

from carryover.actions.context import project_root, state_dir
from carryover.actions.recorded import session_named
from carryover.cli.arguments import TIMES, describe, moment
from carryover.cli.sessions import print_sessions
from carryover.config import load_config
from carryover.daemon.client import ask_daemon
from carryover.errors import ExitCode, UserError
from carryover.fsio import sweep_scratch, temporary_files
from carryover.ledger.connect import copies
from carryover.ledger.queries import Selection, connect_read_only, selected_sessions
from carryover.ledger.rows import SessionRow
from carryover.model import conversation_of
from carryover.paths import StateDir
from carryover.terminal.output import can_ask, confirmed, counted, local_time, print_json, print_lines
from carryover.views.session_list import session_entries

if TYPE_CHECKING:
    from carryover.ledger.store import Ledger
    from carryover.projects.root import StatePaths
    from carryover.publish.forgetting import Erased

DESCRIPTION: Final = """\
Removes sessions from everything that Carryover keeps: the ledger and its copies,
handoffs, and the answers kept for when no daemon runs. They do not come back,
although your agents' transcripts, which Carryover never changes, may still
exist. With --since or --until only that time is removed. Work that is done in a
forgotten session later is recorded again. There is no way back; what goes is
listed first, and on a terminal you are asked. Elsewhere --yes is needed."""

EXAMPLES: Final = """\
examples:
  carryover forget 3f2a                     the session whose id begins with 3f2a
  carryover forget last                     the newest session of this project
  carryover forget --project ~/code/shop    every session of that project so far
  carryover forget --since 2h               what happened in the last two hours
  carryover forget --since 2026-11-01 --until 2026-11-03 --dry-run
  carryover forget --all                    everything recorded so far
"""

ANSWER_S: Final = 300.0
"""Time limit for the daemon's answer; rewriting a large ledger without the deleted rows takes a while."""

MOST_LISTED: Final = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument(
        "id", metavar="ID", nargs="?", help="session id, or as much of its beginning as is unique; or `last`"
    )
    parser.add_argument("--project", metavar="DIR", help="sessions of the project that DIR is in")
    parser.add_argument("--all", action="store_true", help="sessions of all projects")
    parser.add_argument("--since", metavar="WHEN", help=f"only what happened from then on: {TIMES}")
    parser.add_argument("--until", metavar="WHEN", help="only what happened before; a date counts as a whole")
    parser.add_argument("--dry-run", action="store_true", help="list what goes; change nothing")
    parser.add_argument("--yes", action="store_true", help="ask nothing")
    parser.add_argument("--json", action="store_true", help="ask nothing, and print what was done as JSON")


def run(args: argparse.Namespace) -> int:
    state, now = state_dir(), datetime.now().astimezone()
    _check(args)
    if not args.dry_run:
        sweep_scratch(state.root, temporary_files())
    with closing(connect_read_only(state.ledger)) as db:
        selection = _selection(args, now, lambda name: session_named(db, name))
        rows = selected_sessions(db, selection, now_ms=_ms(now))
        listed = session_entries(db, rows[:MOST_LISTED])
    also = copies(state.ledger)
    if not rows and not (args.all and also):
        raise UserError(
            "Nothing that is recorded matches, so nothing was changed. `carryover sessions --all` lists all sessions.",
            ExitCode.NOTHING_FOUND,
        )
    if not args.json:
        _print_plan(listed, len(rows), selection, also)
    if args.dry_run:
        return _show_dry_run(listed, len(rows), also, as_json=args.json)
    if not args.yes and not agreed("Forget this? It cannot be recovered. [y/N]", as_json=args.json):
        print("Nothing was changed.")
        return ExitCode.INTERRUPTED
    done = _forget(state, selection)
    if args.json:
        print_json(done)
    else:
        print_lines(_lines_after(done, selection))
    return ExitCode.FAILED if done.problems else ExitCode.OK


def _check(args: argparse.Namespace) -> None:
    which = [args.id is not None, args.project is not None, args.all]
    in_part = args.since is not None or args.until is not None
    if sum(which) > 1 or not (any(which) or in_part) or (args.all and in_part):
        raise UserError(
            "Give one of ID, --project DIR and --all; or --since and --until, alone or with ID or --project. "
            "Nothing was changed.",
            ExitCode.USAGE,
        )


def _selection(args: argparse.Namespace, now: datetime, session_of: Callable[[str], SessionRow]) -> Selection:
    since = moment(args.since, now) if args.since is not None else None
    until = moment(args.until, now, end_of_day=True) if args.until is not None else None
    if since is not None and since >= (until or now):
        raise UserError("--since must be before --until, and not in the future. Nothing was changed.", ExitCode.USAGE)
    span = Selection(
        since_ms=_ms(since) if since is not None else None, until_ms=_ms(until) if until is not None else None
    )
    if args.project is not None:
        return msgspec.structs.replace(span, root=project_root(args.project, elsewhere=True))
    if args.id is None:
        return span
    found = session_of(args.id)
    is_whole = found.native_id == conversation_of(found.native_id)
    which = {"conversation" if is_whole else "session": found.native_id}
    return msgspec.structs.replace(span, agent=found.agent, **which)


def _print_plan(listed: list[dict[str, Any]], number: int, selection: Selection, also: list[Path]) -> None:
    if listed:
        print(f"{counted(number, 'session')} {'loses' if number == 1 else 'lose'} {_part(selection)}:")
        print_some(listed, number)
    if also:
        names = ", ".join(path.name for path in also)
        go = "goes" if len(also) == 1 else "go"
        print_lines([f"{counted(len(also), 'copy', 'copies')} of the ledger {go} as a whole: {names}"])
    print("Handoffs that were made of this are removed, or written again without it. Your agents' own files stay.")


def print_some(listed: list[dict[str, Any]], number: int) -> None:
    """Prints the first of the sessions that are about to be deleted, and how many of `number` are not listed."""
    print_sessions(listed, with_project=True)
    if number > len(listed):
        print(f"... and {counted(number - len(listed), 'more session', 'more sessions')}")


def _part(selection: Selection) -> str:
    since_ms, until_ms = selection.since_ms, selection.until_ms
    if not selection.in_part:
        return "all that was recorded until now"
    since = f"from {local_time(since_ms)} " if since_ms is not None else ""
    return f"what happened {since}until {local_time(until_ms) if until_ms is not None else 'now'}"


def _show_dry_run(listed: list[dict[str, Any]], number: int, also: list[Path], *, as_json: bool) -> int:
    if as_json:
        print_json({"dry_run": True, "sessions": number, "newest": listed, "copies": [str(path) for path in also]})
    else:
        print("Nothing was changed.")
    return ExitCode.OK


def agreed(question: str, *, as_json: bool) -> bool:
    """Asks `question` and returns whether the user agreed. Raises UserError (REFUSED) if there is no one to ask."""
    if as_json or not can_ask():
        raise UserError(
            "There is no terminal to ask on, so nothing was changed. Run it on a terminal, or with --yes.",
            ExitCode.REFUSED,
        )
    return confirmed(question)


def _lines_after(done: Erased, selection: Selection) -> Iterator[str]:
    yield from (f"✗ {problem}" for problem in done.problems)
    if done.problems and not done.sessions:
        return
    what = "forgotten in part" if selection.in_part else "forgotten"
    yield f"✓ {counted(done.sessions, 'session')} {what}. What is done from now on is recorded as before."


def _forget(state: StateDir, selection: Selection) -> Erased:
    """Asks the running daemon to forget, since it writes the ledger; if none runs, does it in this process."""
    from carryover.publish.forgetting import Erased

    query = urlencode({"selection": msgspec.json.encode(selection).decode()})
    try:
        answer = ask_daemon(state.socket, "POST", f"/forget?{query}", timeout_s=ANSWER_S)
    except TimeoutError as error:
        raise UserError(
            f"carryoverd has not finished after {ANSWER_S:g} s and is still at work. Run the same command again later."
        ) from error
    if answer is not None:
        return msgspec.convert(answer, Erased)
    from carryover.actions.from_disk import as_writer

    return as_writer(state, partial(_forget_here, selection))


async def _forget_here(selection: Selection, ledger: Ledger, paths: StatePaths) -> Erased:
    from carryover.publish.forgetting import forget_sessions, publish_here

    config = load_config(StateDir(paths.state).config)
    return await forget_sessions(ledger, paths, [selection], config, partial(publish_here, ledger, paths, config))


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
