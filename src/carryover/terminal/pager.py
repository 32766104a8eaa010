"""Shows long output in the user's pager on a terminal: `PAGER`, else `less`, which exits at once if all fits."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedWriter
from typing import TYPE_CHECKING, Final

from carryover.terminal.output import terminal_width, wants_colour
from carryover.terminal.streams import SafeOutput

if TYPE_CHECKING:
    from subprocess import Popen

LESS_OPTIONS: Final = "FRX"
"""Used if LESS is not set, as git does: exit if everything fits, show colours, leave the screen as it is."""

_NONE: Final = ("", "cat")
"""Values of PAGER that disable it."""


class PagedOutput(SafeOutput):
    """Standard output while a pager shows it; it keeps the terminal's width and colours."""

    def __init__(self, buffer: BufferedWriter, width: int | None, *, colour: bool) -> None:
        super().__init__(buffer, encoding=sys.stdout.encoding, errors="replace")
        self.terminal_columns = width
        self.colour = colour

    def isatty(self) -> bool:
        """Returns True, since a person reads the output on a terminal."""
        return True


@contextmanager
def paged(args: argparse.Namespace) -> Iterator[None]:
    """Sends the block's output through the pager if stdout is a terminal and `args` has no `--no-pager` or `--json`.

    If the user leaves the pager early, the block ends quietly, as it does when a pipe is closed.
    """
    process = None if getattr(args, "no_pager", False) or getattr(args, "json", False) else _started()
    if process is None:
        yield
        return
    import signal

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
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the pager until the user leaves it
        try:
            with suppress(BrokenPipeError):
                output.close()
            process.wait()
        finally:
            signal.signal(signal.SIGINT, before)


def _started() -> Popen[bytes] | None:
    if not (sys.stdout.isatty() and sys.stdin.isatty()) or os.environ.get("TERM") in (None, "", "dumb"):
        return None
    pager = pager_command()
    if pager is None:
        return None
    import subprocess

    sys.stdout.flush()
    env = {"LESS": LESS_OPTIONS, "LV": "-c", **os.environ}
    try:
        return subprocess.Popen(["sh", "-c", pager], stdin=subprocess.PIPE, env=env)
    except OSError:
        return None


def pager_command() -> str | None:
    """Returns the shell command of the pager; None if the user wants none or there is none."""
    chosen = os.environ.get("PAGER")
    if chosen is not None:
        return None if chosen.strip() in _NONE else chosen
    import shutil  # only where a person reads

    return "less" if shutil.which("less") else None
