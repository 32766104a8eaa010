"""`carryover forget` removes what was recorded from everything that is kept; `link` assigns it to another folder."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

from carryover.clock import utc_now_ms
from carryover.errors import ExitCode, UserError
from carryover.faces.cli.arguments import TIMES, describe, flag, moment_ms
from carryover.faces.cli.sessions import session_lines
from carryover.terminal.output import agree, counted, local_time, print_lines, print_result
from carryover.terminal.paths import shell_word

if TYPE_CHECKING:
    from carryover.actions.forgetting import WhatGoes

FORGET: Final = """\
Removes sessions from everything that Carryover keeps: the ledger, its copies,
and handoffs. They do not come back, although your agents' transcripts, which
Carryover never changes, may still exist. With --since or --until only that time
is removed. Work that is done in a forgotten session later is recorded again.
There is no way back; what goes is listed first, and on a terminal you are
asked. Elsewhere --yes is needed."""

FORGET_EXAMPLES: Final = """\
  carryover forget 3f2a                     the session whose id begins with 3f2a
  carryover forget last                     the newest session of this project
  carryover forget --project ~/code/shop    every session of that project so far
  carryover forget --since 2h               what happened in the last two hours
  carryover forget --since 2026-11-01 --until 2026-11-03 --dry-run
  carryover forget --all                    everything recorded so far"""

MOST_LISTED: Final = 50
_LOGS: Final = ("-wal", "-shm")
"""What names end with that belong to a copy of the ledger."""


def forget_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, FORGET, FORGET_EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    add = parser.add_argument
    add("id", metavar="ID", nargs="?", help="session id, or as much of its beginning as is unique; or `last`")
    add("--project", metavar="DIR", help="sessions of the project that DIR is in")
    flag(parser, "--all", "sessions of all projects")
    add("--since", metavar="WHEN", help=f"only what happened from then on: {TIMES}")
    until = partial(moment_ms, end_of_day=True)
    add("--until", metavar="WHEN", type=until, help="only what happened before; a date counts as a whole")
    flag(parser, "--dry-run", "list what goes; change nothing")
    flag(parser, "--yes", "ask nothing")
    flag(parser, "--json", "print what was done as JSON; asks nothing, so --yes is needed")


def run_forget(args: argparse.Namespace) -> int:
    from carryover.actions.forgetting import forget_planned, plan_forgetting

    _refuse_unclear(args)
    plan = plan_forgetting(
        session=args.id, project=args.project, since_ms=args.since, until_ms=args.until, most=MOST_LISTED
    )
    if not args.json:
        print_lines(_plan(plan))
    if args.dry_run:
        copies = [str(path) for path in plan.copies]
        about = {"sessions": plan.sessions, "notes": plan.notes, "newest": plan.newest, "copies": copies}
        print_result(args, {"dry_run": True, **about}, ["Nothing was changed."])
        return ExitCode.OK
    agree(args, "Forget this? It cannot be recovered.")
    done = forget_planned(plan)
    lines = [f"✗ {problem}" for problem in done.problems]
    if done.sessions or not done.problems:
        what = "forgotten in part" if plan.selection.in_part else "forgotten"
        lines.append(f"✓ {_many(done.sessions, plan.notes)} {what}. What is done from now on is recorded as before.")
    print_result(args, done, lines)
    return ExitCode.FAILED if done.problems else ExitCode.OK


def _refuse_unclear(args: argparse.Namespace) -> None:
    """Raises UserError (USAGE) unless the arguments say what to forget in one way."""
    which = [args.id is not None, args.project is not None, args.all]
    in_part = args.since is not None or args.until is not None
    if sum(which) > 1 or not (any(which) or in_part) or (args.all and in_part):
        raise UserError(
            "Say what to forget: an ID, --project DIR or --all; or a time by --since and --until, of everything, of an "
            "ID or of --project DIR. Nothing was changed.",
            ExitCode.USAGE,
        )
    if args.since is not None and args.since >= (args.until or utc_now_ms()):
        raise UserError("--since must be before --until, and not in the future. Nothing was changed.", ExitCode.USAGE)


def _plan(plan: WhatGoes) -> Iterator[str]:
    if plan.sessions:
        yield f"{_many(plan.sessions, plan.notes)} {'loses' if plan.sessions == 1 else 'lose'} {_part(plan)}:"
        yield from session_lines(plan.newest, with_project=True)
        if plan.sessions > len(plan.newest):
            yield f"... and {plan.sessions - len(plan.newest):,} more"
    if names := [path.name for path in plan.copies if not path.name.endswith(_LOGS)]:
        go = "goes" if len(names) == 1 else "go"
        yield f"{counted(len(names), 'copy', 'copies')} of the ledger {go} as a whole: {', '.join(names)}"
    yield "Handoffs that were made of this are removed, or written again without it. Your agents' own files stay."


def _many(number: int, notes: int) -> str:
    """Says how many there are, of which some are notes and pins."""
    each = ((number - notes, "session", "sessions"), (notes, "note or pin", "notes and pins"))
    return " and ".join(counted(*one) for one in each if one[0] > 0) or counted(0, "session")


def _part(plan: WhatGoes) -> str:
    since_ms, until_ms = plan.selection.since_ms, plan.selection.until_ms
    if not plan.selection.in_part:
        return "all that was recorded until now"
    since = f"from {local_time(since_ms)} " if since_ms is not None else ""
    return f"what happened {since}until {local_time(until_ms) if until_ms is not None else 'now'}"


LINK: Final = """\
Tells Carryover that the project at NEW is the one that was at OLD: sessions
recorded at OLD and below it count for NEW's handoff from now on. Nothing is
copied, and --undo reverts it. A repository that was renamed or moved while
Carryover knew it is found without this; use this for what cannot be detected,
such as a folder that was moved to another disk. While there is a folder at OLD
nothing is linked: a second clone has another history."""

LINK_EXAMPLES: Final = """\
  carryover link ~/code/shop ~/work/store     ~/code/shop is ~/work/store now
  carryover link --undo ~/code/shop           it is not; keep the two apart
  carryover link laptop:/home/ann/shop .      another machine's project is this one"""


def link_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, LINK, LINK_EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("old", metavar="OLD", help="the project's former folder, which is gone")
    parser.add_argument("new", metavar="NEW", nargs="?", help="its folder now")
    flag(parser, "--undo", "give the sessions recorded at OLD back to it")
    flag(parser, "--json", "print what was done as JSON")


def run_link(args: argparse.Namespace) -> None:
    from carryover.actions.linking import link_projects, unlink_projects

    if args.undo and args.new is not None:
        raise UserError("--undo takes only the former folder.", ExitCode.USAGE)
    if args.new is None and not args.undo:
        here = f"`carryover link {shell_word(args.old)} .` if you are in it"
        raise UserError(f"Name its present folder too: {here}.", ExitCode.USAGE)
    done = unlink_projects(args.old) if args.undo else link_projects(args.old, args.new)
    old, new = shell_word(done.old), shell_word(done.new or "")
    belong = f"{_many(done.sessions, done.notes)} recorded at {old} belong{'s' if done.sessions == 1 else ''} to"
    if args.undo:
        lines = [f"{belong} it again. It is no longer linked."]
    elif done.sessions:
        lines = [f"{belong} {new} now.", f"`carryover link --undo {old}` reverts that."]
    else:
        lines = [f"What was recorded at {old} is linked already. `carryover link --undo {old}` reverts that."]
    print_result(args, done, lines)
