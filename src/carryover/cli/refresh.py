"""`carryover refresh`: brings what install did in line with what is on this machine now."""

from __future__ import annotations

import argparse
from typing import Final

DESCRIPTION: Final = """\
Looks again at what is on this machine: agents that came or went, other
versions, settings that moved. Asks as `carryover install` does, with what you
chose last ticked, and changes only what differs. Run it as often as you like:
where nothing differs, no byte changes."""

EXAMPLES: Final = """\
examples:
  carryover refresh                     ask, then bring it up to date
  carryover refresh --yes               keep the selection, ask nothing
  carryover refresh --agents codex      another selection, ask nothing
  carryover refresh --dry-run           what would change, as diffs
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from carryover.cli.install_flow import add_options

    parser.description = DESCRIPTION
    add_options(parser, examples=EXAMPLES)


def run(args: argparse.Namespace) -> int:
    from carryover.cli.install_flow import set_up

    return set_up(args, anew=False)
