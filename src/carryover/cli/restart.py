"""`carryover restart`: see `daemon_control`."""

from __future__ import annotations

import argparse
from typing import Final

from carryover.cli.arguments import describe
from carryover.errors import ExitCode

DESCRIPTION: Final = """\
Restarts carryoverd through the service that `carryover install` set up, such as
after an upgrade; starts it if it did not run."""

EXAMPLES: Final = """\
examples:
  carryover restart     after an upgrade of Carryover
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the help of `carryover restart`, which takes no arguments."""
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOT_RUNNING, ExitCode.REFUSED)


def run(_args: argparse.Namespace) -> int:
    """Runs `carryover restart`; returns the exit code."""
    from carryover.cli.context import state_dir
    from carryover.cli.daemon_control import restart_daemon

    print(restart_daemon(state_dir()))
    return ExitCode.OK
