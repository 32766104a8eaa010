"""`carryover logs`: prints the daemon's log, rotated files included, and can follow it. Works without a daemon."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from carryover.actions.context import state_dir
from carryover.cli.arguments import TIMES, add_pager_argument, describe, flag
from carryover.daemon.log import LEVELS, open_files, parse_line
from carryover.errors import ExitCode, UserError
from carryover.terminal.output import YELLOW, is_read_for, paint, print_json, say
from carryover.terminal.pager import paged
from carryover.terminal.streams import flush

FOLLOW_EVERY_S: Final = 0.2

DESCRIPTION: Final = """\
Prints the log of carryoverd, rotated files first. It holds one line per
decision and no text from transcripts: projects are named by number, transcripts
by a short id. Works without the daemon."""

EXAMPLES: Final = """\
  carryover logs                                all of it
  carryover logs -f                             and what is added, until Ctrl-C
  carryover logs --level warning --since 2h     what went wrong in the last two hours
  carryover logs --json                         one JSON object per line"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND)
    flag(parser, "-f", "--follow", "print what is added as well, until Ctrl-C")
    parser.add_argument("--level", choices=LEVELS, default="debug", help="leave out what is less serious")
    parser.add_argument("--since", default=0, metavar="WHEN", help=f"only from then on: {TIMES}")
    flag(parser, "--json", "print each line as a JSON object")
    add_pager_argument(parser)


def run(args: argparse.Namespace) -> int:
    log = state_dir().log
    if not args.follow and not any(files := open_files(log)):
        raise UserError(f"There is no log at {log}. carryoverd writes it when it runs.", ExitCode.NOTHING_FOUND)
    try:
        if args.follow:
            _print(log, args, wait=lambda: is_read_for(FOLLOW_EVERY_S))
        else:
            for file in files:
                file.close()
            with paged(args):
                _print(log, args, wait=None)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED  # the usual end of following: nothing to say about it
    return ExitCode.OK


def _print(log: Path, args: argparse.Namespace, *, wait: Callable[[], bool] | None) -> None:
    shows = not args.since  # a truncated line belongs to the line before it
    for line in lines(log, wait=wait):
        parsed = parse_line(line)
        if parsed is not None:
            shows = parsed.at_ms >= args.since and LEVELS.index(parsed.level) >= LEVELS.index(args.level)
        if not line:
            flush()
        elif shows and args.json:
            print_json(parsed if parsed is not None else {"text": line}, in_one_line=True)
        elif shows:
            serious = parsed is not None and parsed.level in ("warning", "error")
            say(paint(line, YELLOW) if serious else line, fits=True)


def lines(log: Path, *, wait: Callable[[], bool] | None = None) -> Iterator[str]:
    """Yields the complete lines of the log, oldest first.

    With `wait`, it follows the log across rotations: an empty string means that everything has been read for now; then
    `wait` is called, and iteration ends when it returns False.
    """
    files = open_files(log)
    try:
        while True:
            while len(files) > 1 or (files and wait is None):
                yield from _complete(files[0])
                if torn := files[0].read():  # its writer was killed before ending the line
                    yield torn.decode(errors="replace")
                files.pop(0).close()
            if wait is None:
                return
            if files:
                yield from _complete(files[0])
            yield ""
            if not wait():
                return
            files += open_files(log, newer_than=os.fstat(files[0].fileno()).st_ino if files else None)
            if files and os.fstat(files[0].fileno()).st_size < files[0].tell():  # it was truncated
                files[0].seek(0)
    finally:
        for file in files:
            file.close()


def _complete(file: BinaryIO) -> Iterator[str]:
    """Yields the complete lines from the current position, and leaves the position just past the last of them."""
    while (line := file.readline()).endswith(b"\n"):
        yield line[:-1].decode(errors="replace")
    file.seek(-len(line), os.SEEK_CUR)
