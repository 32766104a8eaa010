"""`carryover refresh`: brings what install did in line with what is on this machine now."""

from __future__ import annotations

import argparse
from typing import Final

DESCRIPTION: Final = """\
Detects agents again: new or removed ones, other versions, settings that moved.
Asks as `carryover install` does, with your last selection ticked, and changes
only what differs. Running it twice changes nothing."""

EXAMPLES: Final = """\
examples:
  carryover refresh                     ask, then apply what changed
  carryover refresh --yes               keep the selection, ask nothing
  carryover refresh --agents codex      another selection, ask nothing
  carryover refresh --dry-run           what would change, as diffs
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the help and the arguments of `carryover refresh`."""
    from carryover.cli.install_flow import add_options

    add_options(parser, description=DESCRIPTION, examples=EXAMPLES)


def run(args: argparse.Namespace) -> int:
    """Runs `carryover refresh`; returns the exit code."""
    from carryover.cli.install_flow import set_up

    return set_up(args, installing=False)
