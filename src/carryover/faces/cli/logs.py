"""`carryover logs`: prints the daemon's log, rotated files included, and can follow it. Works without a daemon."""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import Iterator
from functools import partial
from itertools import takewhile
from typing import Final

from carryover.errors import ExitCode
from carryover.faces.cli.arguments import describe, flag, positive
from carryover.past.logs import log_lines
from carryover.terminal.output import YELLOW, is_read_for, paint, say
from carryover.terminal.streams import flush

FOLLOW_EVERY_S: Final = 0.2
_TIME_CHARS: Final = len("2026-11-20T06:21:00.000Z")

DESCRIPTION: Final = """\
Prints the log of carryoverd, rotated files first. It holds one line per
decision and no text from transcripts: projects are named by number, transcripts
by a short id. Works without the daemon."""

EXAMPLES: Final = """\
  carryover logs                                all of it
  carryover logs -n 20 -f                       the newest 20 lines and what is added, until Ctrl-C
  carryover logs | grep -E 'WARNING|ERROR'      what went wrong"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND)
    flag(parser, "-f", "--follow", "print what is added as well, until Ctrl-C")
    parser.add_argument("-n", "--limit", type=positive, metavar="N", help="print only the newest N lines")


def run(args: argparse.Namespace) -> int:
    wait = partial(is_read_for, FOLLOW_EVERY_S) if args.follow else None
    try:
        lines = log_lines(wait=wait)
        if args.limit is not None:
            lines = _newest(lines, args.limit)
        for line in lines:
            if line:
                is_serious = line[_TIME_CHARS:].startswith((" WARNING ", " ERROR "))
                say(paint(line, YELLOW) if is_serious else line, fits=True)
            else:
                flush()
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED  # the usual end of following: nothing to say about it
    return ExitCode.OK


def _newest(lines: Iterator[str], limit: int) -> Iterator[str]:
    """Yields the newest of the lines that are there, and all that are added."""
    there = takewhile(bool, lines)
    yield from deque(there, maxlen=limit)
    yield ""
    yield from lines
