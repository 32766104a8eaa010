"""A daemon in which something goes wrong that cannot be made to go wrong from outside."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Final

from carryover.errors import ExitCode
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, wait_until
from support.forked import ALTERED

HANGS: Final = """
import pathlib, sys, threading
from carryover.ingest import pipeline
def hang(*_):
    pathlib.Path("~/reads").expanduser().touch()
    threading.Event().wait(60)
pipeline.prepare = hang
from carryover.daemon import main, run
run.STOP_LIMIT_S = 1.0
sys.exit(main.main())
"""

DAMAGED: Final = """
import sys
from carryover.daemon import main
from carryover.ledger.store import Ledger
from carryover.ledger.connect import LedgerDamaged
async def commit(self, source, prepared, *, seen_rev):
    raise LedgerDamaged("the ledger is damaged")
Ledger.commit = commit
sys.exit(main.main())
"""


def test_a_read_that_never_returns_does_not_keep_the_daemon_from_stopping(session: ClaudeSession) -> None:
    """A disk may hang for ever, and the thread that reads from it with it."""
    session.prompt("Add a discount function to the cart")
    with DaemonProcess((*ALTERED, HANGS)) as daemon:
        wait_until("the read", (Path.home() / "reads").exists)
        code, seconds = daemon.stop(signal.SIGTERM)

    assert (code, 1 <= seconds < 5) == (ExitCode.FAILED, True)
    assert daemon.log()[-1] == "WARNING stopped_by_force after_s=1"


def test_damage_to_the_ledger_stops_the_daemon_with_a_failure(session: ClaudeSession) -> None:
    """Its next start repairs the ledger; the person who looks after the daemon must know that it is needed."""
    session.prompt("Add a discount function to the cart")
    daemon = DaemonProcess((*ALTERED, DAMAGED)).start()

    assert daemon.process.wait(30) == ExitCode.FAILED
    failed = [line for line in daemon.log() if "vital_task_failed" in line]
    assert len(failed) == 1
    assert "LedgerDamaged" in failed[0]
    assert daemon.log()[-1] == "INFO closed"
