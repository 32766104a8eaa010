"""`carryover logs`: prints the daemon's log, rotated files included. Works without a daemon."""

from __future__ import annotations

import argparse
from collections import deque
from typing import Final

from carryover.errors import ExitCode
from carryover.faces.cli.arguments import describe, positive
from carryover.past.logs import log_lines
from carryover.terminal.output import YELLOW, paint, say

_TIME_CHARS: Final = len("2026-11-20T06:21:00.000Z")

DESCRIPTION: Final = """\
Prints the log of carryoverd, rotated files first. It holds one line per
decision and no text from transcripts: projects are named by number, transcripts
by a short id. Works without the daemon."""

EXAMPLES: Final = """\
  carryover logs                                all of it
  carryover logs -n 20                          the newest 20 lines
  carryover logs | grep -E 'WARNING|ERROR'      what went wrong
  tail -F ~/.carryover/carryoverd.log           what is added, until Ctrl-C"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND)
    parser.add_argument("-n", "--limit", type=positive, metavar="N", help="print only the newest N lines")


def run(args: argparse.Namespace) -> int:
    for line in deque(log_lines(), maxlen=args.limit):
        is_serious = line[_TIME_CHARS:].startswith((" WARNING ", " ERROR "))
        say(paint(line, YELLOW) if is_serious else line, fits=True)
    return ExitCode.OK
