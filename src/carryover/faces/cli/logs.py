"""`carryover logs`: prints the daemon's log, rotated files included, and can follow it. Works without a daemon."""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import Iterator
from functools import partial
from itertools import takewhile
from typing import Final

from carryover.errors import ExitCode
from carryover.faces.cli.arguments import TIMES, describe, flag, positive
from carryover.past.logs import LEVELS, log_lines, parse_line
from carryover.terminal.output import YELLOW, is_read_for, paint, print_json, say
from carryover.terminal.streams import flush

FOLLOW_EVERY_S: Final = 0.2
_SERIOUS: Final = ("warning", "error")

DESCRIPTION: Final = """\
Prints the log of carryoverd, rotated files first. It holds one line per
decision and no text from transcripts: projects are named by number, transcripts
by a short id. Works without the daemon."""

EXAMPLES: Final = """\
  carryover logs                                all of it
  carryover logs -n 20 -f                       the newest 20 lines and what is added, until Ctrl-C
  carryover logs --level warning --since 2h     what went wrong in the last two hours
  carryover logs --json                         one JSON object per line"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND)
    flag(parser, "-f", "--follow", "print what is added as well, until Ctrl-C")
    parser.add_argument("--level", choices=LEVELS, default="debug", help="leave out what is less serious")
    parser.add_argument("--since", default=0, metavar="WHEN", help=f"only from then on: {TIMES}")
    parser.add_argument("-n", "--limit", type=positive, metavar="N", help="only the newest N of these lines")
    flag(parser, "--json", "print each line as a JSON object")


def run(args: argparse.Namespace) -> int:
    wait = partial(is_read_for, FOLLOW_EVERY_S) if args.follow else None
    try:
        lines = log_lines(level=args.level, since_ms=args.since, wait=wait)
        if args.limit is not None:
            lines = _newest(lines, args.limit)
        for line in lines:
            if line:
                _print(line, args)
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


def _print(line: str, args: argparse.Namespace) -> None:
    parsed = parse_line(line)
    if args.json:
        print_json(parsed if parsed is not None else {"text": line}, in_one_line=True)
    else:
        is_serious = parsed is not None and parsed.level in _SERIOUS
        say(paint(line, YELLOW) if is_serious else line, fits=True)
