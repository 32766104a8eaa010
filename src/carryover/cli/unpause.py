"""`carryover unpause`: resumes after `carryover pause`."""

from __future__ import annotations

import argparse
from typing import Final

from carryover.cli.pause import add_common_arguments

DESCRIPTION: Final = """\
Resumes after `carryover pause`: what your agents wrote meanwhile is read, and
handoffs are brought up to date. With PROJECT, for that project alone."""

EXAMPLES: Final = """\
examples:
  carryover unpause         everything; projects paused by name stay paused
  carryover unpause .       the project you are in
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the help and the arguments of `carryover unpause`."""
    add_common_arguments(parser, description=DESCRIPTION, examples=EXAMPLES)


def run(args: argparse.Namespace) -> int:
    """Runs `carryover unpause`; returns the exit code."""
    from carryover.cli.context import project_root, state_dir
    from carryover.cli.pause import print_state, unpause_all, unpause_project

    state = state_dir()
    if args.project is None:
        return print_state(unpause_all(state), as_json=args.json)
    return print_state(unpause_project(state, project_root(args.project)), as_json=args.json)
