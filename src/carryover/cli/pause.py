"""`carryover pause` and `unpause`: use a file in the state folder, or a pattern in the settings."""

from __future__ import annotations

import argparse
from typing import Final

from carryover.actions.context import project_root, state_dir
from carryover.actions.settings import Pausing, pause_all, pause_project, unpause_all, unpause_project
from carryover.cli.arguments import describe
from carryover.errors import ExitCode, visible
from carryover.terminal.output import print_json
from carryover.text.shell import quoted

DESCRIPTION: Final = {
    "pause": """\
Stops Carryover at once: nothing is read, nothing is written into projects, and
no session gets a handoff, until `carryover unpause`. What your agents write
meanwhile is read then. With PROJECT only that project is left out: its handoff
and the pointers to it are taken out of it, and no agent gets it.""",
    "unpause": """\
Resumes after `carryover pause`: what your agents wrote meanwhile is read, and
handoffs are brought up to date. With PROJECT, for that project alone, whose
handoff and pointers are put back.""",
}

EXAMPLES: Final = {
    "pause": """\
examples:
  carryover pause           everything
  carryover pause .         the project you are in
  carryover unpause         everything resumes; projects paused by name stay paused
""",
    "unpause": """\
examples:
  carryover unpause         everything; projects paused by name stay paused
  carryover unpause .       the project you are in
""",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    command = parser.get_default("command")
    describe(parser, DESCRIPTION[command], EXAMPLES[command], ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("project", nargs="?", metavar="PROJECT", help="a folder in the project (default: all projects)")
    parser.add_argument("--json", action="store_true", help="print what holds now as JSON")


def run(args: argparse.Namespace) -> int:
    state, pausing = state_dir(), args.command == "pause"
    if args.project is None:
        now = pause_all(state) if pausing else unpause_all(state)
    else:
        root = project_root(args.project, must_exist=pausing)
        now = pause_project(state, root) if pausing else unpause_project(state, root)
    if args.json:
        print_json(now)
    else:
        _print(now)
    return ExitCode.OK


def _print(now: Pausing) -> None:
    what = visible(now.project or "Carryover")
    if now.changed:
        is_so = "is paused" if now.paused else "is no longer paused"
    else:
        is_so = "was already paused" if now.paused else "was not paused"
    print(f"{what} {is_so}." + ("" if now.daemon == "at once" else " carryoverd is not running now."))
    if now.paused:
        which = "" if now.project is None else f" {quoted(now.project)}"
        print(f"Resume with `carryover unpause{which}`.")
    if now.note:
        print(now.note)
