"""Long output in the user's pager, on a terminal: `PAGER`, else `less`, which shows what fits without stopping."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedWriter, TextIOWrapper
from typing import TYPE_CHECKING, Final

from carryover.terminal.output import terminal_width, wants_colour

if TYPE_CHECKING:
    from subprocess import Popen

LESS_OPTIONS: Final = "FRX"
"""If LESS is not set, as git does: ends where all fits on the screen, shows colours, leaves the screen as it is."""

_NONE: Final = ("", "cat")
"""Values of PAGER that mean none."""


def add_pager_argument(parser: argparse.ArgumentParser) -> None:
    """Adds `--no-pager`, for a command whose output may be long."""
    parser.add_argument(
        "--no-pager",
        action="store_true",
        default=argparse.SUPPRESS,  # it may stand before the command as well
        help="print long output at once, without a pager",
    )


class PagedOutput(TextIOWrapper):
    """Standard output while a pager shows it: still as wide as the terminal, and coloured as there."""

    def __init__(self, buffer: BufferedWriter, width: int | None, *, colour: bool) -> None:
        super().__init__(buffer, encoding=sys.stdout.encoding, errors="replace")
        self.terminal_columns = width
        self.colour = colour

    def isatty(self) -> bool:
        """True: a person reads it on a terminal."""
        return True


@contextmanager
def paged(args: argparse.Namespace | None = None) -> Iterator[None]:
    """Sends what the block prints through the pager if standard output is a terminal and `args` has no `--no-pager`.

    Once the user leaves the pager early, the block ends as a reader's does that goes away: quietly.
    """
    pager = pager_command() if _can_page() and not getattr(args, "no_pager", False) else None
    process = _start(pager) if pager is not None else None
    if process is None:
        yield
        return
    assert isinstance(process.stdin, BufferedWriter)
    terminal = sys.stdout
    output = PagedOutput(process.stdin, terminal_width(), colour=wants_colour())
    sys.stdout = output
    try:
        yield
        output.flush()
    except BrokenPipeError:
        pass
    finally:
        sys.stdout = terminal
        _end(process, output)


def pager_command() -> str | None:
    """The shell command that shows long output; None if the user wants none or there is none."""
    chosen = os.environ.get("PAGER")
    if chosen is not None:
        return None if chosen.strip() in _NONE else chosen
    import shutil  # only where a person reads

    return "less" if shutil.which("less") else None


def _can_page() -> bool:
    return sys.stdout.isatty() and sys.stdin.isatty() and os.environ.get("TERM") not in (None, "", "dumb")


def _start(pager: str) -> Popen[bytes] | None:
    import subprocess

    sys.stdout.flush()
    env = {"LESS": LESS_OPTIONS, "LV": "-c", **os.environ}
    try:
        return subprocess.Popen(["sh", "-c", pager], stdin=subprocess.PIPE, env=env)
    except OSError:
        return None


def _end(process: Popen[bytes], output: PagedOutput) -> None:
    """Waits until the user has left the pager, in which Ctrl-C ends what it does and not this process."""
    import signal
    from contextlib import suppress

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with suppress(BrokenPipeError):
            output.close()
        process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
