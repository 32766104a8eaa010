"""Starts the daemon: takes the lock, and only then loads what runs, since hooks may start a dozen at once."""

from __future__ import annotations

import logging
import os
import signal
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from carryover.clock import utc_now_ms
from carryover.daemon.lock import StateUnusable, acquire_daemon_lock
from carryover.errors import ExitCode, os_reason
from carryover.fsio import private_dir
from carryover.ledger.connect import LedgerDamaged
from carryover.paths import StateDir, require_address

if TYPE_CHECKING:
    from carryover.daemon.own_page import OpenPage

RETRY_S: Final = 5.0
"""Interval between attempts to use the state folder."""
REPAIRS: Final = 3
"""How often a daemon starts itself again for its ledger: a disk may damage all that is written on it."""


def run(state: StateDir, *, once: bool, page: OpenPage, alone: bool = False) -> ExitCode:
    """Runs a daemon until it is stopped or, with `once`, until everything on disk is read and published.

    Under systemd it waits while the state folder is unusable: systemd would restart it a few times and then give up.
    `alone`: nobody starts it again, so it does so itself if its ledger is damaged, which its next start repairs.
    Raises UserError if it cannot or must not start.
    """
    # Libraries quote what they were sent: aiohttp (3.14) a malformed request. Without a handler, Python prints that.
    logging.getLogger().addHandler(logging.NullHandler())
    reported, repairs = False, REPAIRS if alone else 0
    while True:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # it would end a daemon that is still starting
        try:
            return _run_once(state, once=once, page=page)
        except LedgerDamaged:
            if not repairs:
                raise
            repairs -= 1
        except StateUnusable as trouble:
            from carryover.daemon.supervisor import report_waiting

            if once or not report_waiting(os.environ, f"Waiting: {trouble}"):
                raise
            if not reported:
                from carryover.terminal.output import warn

                warn(f"carryoverd: {trouble} It is tried again every {RETRY_S:g} s.")
            reported = True
            time.sleep(RETRY_S)


def _run_once(state: StateDir, *, once: bool, page: OpenPage) -> ExitCode:
    require_address(state.socket)
    try:
        private_dir(state.root)
    except OSError as error:
        raise StateUnusable(
            f"The state folder {state.root} cannot be used: {os_reason(error)}. "
            "Repair it, or set CARRYOVER_HOME to another folder.",
            ExitCode.REFUSED,
        ) from error
    with ExitStack() as stack:
        lock = acquire_daemon_lock(state, started_ms=utc_now_ms())
        stack.callback(lock.release)
        _load_server()
        from carryover.daemon.run import run_locked  # ten times the cost of everything above

        return run_locked(state, once=once, page=page)


def _load_server() -> None:
    """Imports aiohttp without the machine's certificates, which its client (3.14) loads at import: 40 ms and 2 MB."""
    names = ("SSL_CERT_FILE", "SSL_CERT_DIR")
    before = {name: os.environ[name] for name in names if name in os.environ}
    os.environ.update(dict.fromkeys(names, os.devnull))
    try:
        import aiohttp  # noqa: F401
    finally:
        for name in names:
            del os.environ[name]
        os.environ.update(before)
