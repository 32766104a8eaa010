"""Reads the daemon's log, rotated files included. Works without a daemon."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from carryover.daemon.log import open_files
from carryover.errors import ExitCode, UserError
from carryover.past.context import state_dir


def log_lines() -> Iterator[str]:
    """Yields the lines, oldest first. Raises UserError (NOTHING_FOUND) if there is no log."""
    log = state_dir().log
    with ExitStack() as stack:
        files = [stack.enter_context(file) for file in open_files(log)]
        if not files:
            none = f"There is no log at {log}. carryoverd writes it when it runs: `carryover start`."
            raise UserError(none, ExitCode.NOTHING_FOUND)
        for file in files:
            yield from (line.removesuffix(b"\n").decode(errors="replace") for line in file)
