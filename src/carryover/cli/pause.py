"""`carryover pause`: nothing is read, written or handed over, for all projects or for one, until `unpause`."""

from __future__ import annotations

import argparse
from typing import Final

from carryover.cli.arguments import exit_code_help
from carryover.errors import ExitCode

DESCRIPTION: Final = """\
Makes Carryover stand still at once: nothing is read, nothing is written into
projects, and no session is told anything, until `carryover unpause`. What your
agents write meanwhile is read then. With PROJECT only that project is left
out: its handoff is neither written nor told, whoever works in it."""

EXAMPLES: Final = """\
examples:
  carryover pause           everything
  carryover pause .         the project you are in
  carryover unpause         everything goes on; projects paused by name stay so
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common_arguments(parser, description=DESCRIPTION, examples=EXAMPLES)


def add_common_arguments(parser: argparse.ArgumentParser, *, description: str, examples: str) -> None:
    """The arguments of pause and unpause."""
    parser.description = description
    parser.epilog = (
        examples
        + "\n"
        + exit_code_help(
            ExitCode.OK, ExitCode.FAILED, ExitCode.USAGE, ExitCode.NOTHING_FOUND, ExitCode.REFUSED, ExitCode.INTERRUPTED
        )
    )
    parser.add_argument("project", nargs="?", metavar="PROJECT", help="a folder in the project (default: all projects)")
    parser.add_argument("--json", action="store_true", help="print what holds now as JSON")


def run(args: argparse.Namespace) -> int:
    from carryover.cli.pausing import pause_all, pause_project, tell
    from carryover.cli.where import project_root, state_dir

    state = state_dir()
    if args.project is None:
        return tell(pause_all(state), as_json=args.json)
    return tell(pause_project(state, project_root(args.project, must_exist=True)), as_json=args.json)
