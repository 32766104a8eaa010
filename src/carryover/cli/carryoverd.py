"""The installed `carryoverd` command: runs the daemon; `carryoverd install` is an alias for `carryover install`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from carryover.terminal import streams


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `carryoverd` with `argv` (default: the process's arguments) and returns its exit code."""
    from carryover.cli.main import main as carryover

    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["install"]:
        return carryover(arguments)
    from carryover.daemon.main import main as daemon

    streams.guard()
    if "--once" not in arguments or not streams.is_terminal(error=True):
        return daemon(arguments)
    from threading import Event, Thread

    from carryover.actions.first_read import show_until

    ended = Event()
    showing = Thread(target=show_until, args=(ended,), daemon=True)
    showing.start()
    try:
        return daemon(arguments)
    finally:
        ended.set()
        showing.join(timeout=1.0)


if __name__ == "__main__":
    sys.exit(main())
