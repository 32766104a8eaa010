"""`carryover install`: one question, and it runs."""

from __future__ import annotations

import argparse
from typing import Final

DESCRIPTION: Final = """\
Asks which AI agents you use, writes the hooks into their settings, starts
carryoverd in the background and reads what the agents have written so far.
Each file is backed up, then changed as little as possible; `carryover
uninstall` undoes it all. Without a terminal it asks nothing and takes
the agents that it finds on this machine."""

EXAMPLES: Final = """\
examples:
  carryover install                            ask, then do it
  carryover install --dry-run                  what would be written, as diffs
  carryover install --yes --resume-mode brief  take the detected agents, ask nothing
  carryover install --agents claude-code       this agent, ask nothing
  carryover install --no-service               start carryoverd yourself
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the help and the arguments of `carryover install`."""
    from carryover.cli.install_flow import add_options

    add_options(parser, description=DESCRIPTION, examples=EXAMPLES)


def run(args: argparse.Namespace) -> int:
    """Runs `carryover install`; returns the exit code."""
    from carryover.cli.install_flow import set_up

    return set_up(args, installing=True)
