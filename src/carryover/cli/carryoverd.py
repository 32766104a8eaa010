"""The installed `carryoverd` command: runs the daemon; `carryoverd install` is an alias for `carryover install`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from carryover.actions.foreground import run_daemon, run_daemon_with_progress
from carryover.page import page_for
from carryover.terminal import streams


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `carryoverd` with `argv` (default: the process's arguments) and returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["install"]:
        from carryover.cli.main import main as carryover

        return carryover(arguments)
    streams.guard()
    if "--once" in arguments and streams.is_terminal(error=True):
        return run_daemon_with_progress(arguments, page_for)
    return run_daemon(arguments, page_for)


if __name__ == "__main__":
    sys.exit(main())
