"""Runs the daemon in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carryover.daemon.own_page import OpenPage


def run_daemon(arguments: Sequence[str], page: OpenPage) -> int:
    """Runs `carryoverd` with these arguments and returns its exit code."""
    from carryover.daemon.main import main

    return main(arguments, page)


def run_daemon_with_progress(arguments: Sequence[str], page: OpenPage) -> int:
    """Does the same and shows on stderr how far the reading is."""
    from threading import Event, Thread

    from carryover.actions.first_read import show_until

    ended = Event()
    showing = Thread(target=show_until, args=(ended,), daemon=True)
    showing.start()
    try:
        return run_daemon(arguments, page)
    finally:
        ended.set()
        showing.join(timeout=1.0)
