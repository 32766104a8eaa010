"""`carryover start`: see `daemon_control`."""

from __future__ import annotations

import argparse
from typing import Final

from carryover.cli.arguments import describe
from carryover.errors import ExitCode

DESCRIPTION: Final = """\
Starts carryoverd through the service that `carryover install` set up (systemd,
launchd). Where there is none it says how to start it."""

EXAMPLES: Final = """\
examples:
  carryover start       start it, if it does not run
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the help of `carryover start`, which takes no arguments."""
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOT_RUNNING)


def run(_args: argparse.Namespace) -> int:
    """Runs `carryover start`; returns the exit code."""
    from carryover.cli.context import state_dir
    from carryover.cli.daemon_control import start_daemon

    print(start_daemon(state_dir()))
    return ExitCode.OK
