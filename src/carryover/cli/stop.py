"""`carryover stop`: see `daemon_control`."""

from __future__ import annotations

import argparse
from typing import Final

from carryover.cli.arguments import describe
from carryover.errors import ExitCode

DESCRIPTION: Final = """\
Stops carryoverd in order: what it has read is stored. Handoffs are not kept
fresh while it is stopped; `carryover handoff` still works. A service starts it
again when you log in; `carryover pause` holds until you end it."""

EXAMPLES: Final = """\
examples:
  carryover stop        stop it until `carryover start`, or the next log-in
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the help of `carryover stop`, which takes no arguments."""
    describe(parser, DESCRIPTION, EXAMPLES)


def run(_args: argparse.Namespace) -> int:
    """Runs `carryover stop`; returns the exit code."""
    from carryover.cli.context import state_dir
    from carryover.cli.daemon_control import stop_running

    print(stop_running(state_dir()))
    return ExitCode.OK
