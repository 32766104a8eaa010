"""`carryover link`: assigns what was recorded at a project's old path to its new one, at the user's request."""

from __future__ import annotations

import argparse
from typing import Final

from carryover.actions.context import state_dir
from carryover.actions.linking import link_projects, unlink_projects
from carryover.cli.arguments import describe
from carryover.errors import ExitCode, UserError
from carryover.terminal.output import counted, print_json
from carryover.text.shell import quoted

DESCRIPTION: Final = """\
Tells Carryover that the project at NEW is the one that was at OLD: sessions
recorded at OLD and below it count for NEW's handoff from now on. Nothing is
copied, and --undo reverts it. A repository that was renamed or moved while
Carryover knew it is found without this; use this for what cannot be detected,
such as a folder that was moved to another disk. While there is a folder at OLD
nothing is linked: a second clone has another history."""

EXAMPLES: Final = """\
examples:
  carryover link ~/code/shop ~/work/store     ~/code/shop is ~/work/store now
  carryover link --undo ~/code/shop           it is not; keep the two apart
  carryover link laptop:/home/ann/shop .      another machine's project is this one
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("old", metavar="OLD", help="the project's former folder, which is gone")
    parser.add_argument("new", metavar="NEW", nargs="?", help="its folder now")
    parser.add_argument("--undo", action="store_true", help="give the sessions recorded at OLD back to it")
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")


def run(args: argparse.Namespace) -> int:
    if (args.new is None) != args.undo:
        raise UserError("Give OLD and NEW, or --undo and OLD.", ExitCode.USAGE)
    done = unlink_projects(state_dir(), args.old) if args.undo else link_projects(state_dir(), args.old, args.new)
    if args.json:
        print_json(done)
        return ExitCode.OK
    sessions = counted(done.sessions, "session")
    old, new = quoted(done.old), quoted(done.new or "")
    if args.undo:
        print(f"{sessions} recorded at {old} belong{_s(done.sessions)} to it again. It is no longer linked.")
    elif done.sessions:
        print(f"{sessions} recorded at {old} belong{_s(done.sessions)} to {new} now.")
        print(f"`carryover link --undo {old}` reverts that.")
    else:
        print(f"{old} is linked to {new} already.")
    return ExitCode.OK


def _s(number: int) -> str:
    return "s" if number == 1 else ""
