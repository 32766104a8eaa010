"""`[retention]`: a daemon that starts drops what is too old, for good."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import sessions
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, wait_until


def held(daemon: DaemonProcess) -> set[str]:
    with closing(connect_read_only(daemon.state.ledger)) as db:
        return {row.native_id for row in sessions(db, limit=9)}


def test_sessions_that_are_too_old_are_dropped_at_start_and_stay_away(
    daemon: DaemonProcess, free_port: None, transcripts: Path, project: Path
) -> None:
    old = ClaudeSession(transcripts, project, now=datetime.now(UTC) - timedelta(days=40))
    old.prompt("Add a zebra page")
    new = ClaudeSession(transcripts, project)
    new.prompt("Write the release notes")
    with daemon:
        daemon.settle()
        assert held(daemon) == {old.session, new.session}
        daemon.stop()
    with daemon.state.config.open("a") as config:
        config.write("[retention]\nmax_age_days = 30\n")

    with daemon:
        wait_until("the old session to be dropped", lambda: held(daemon) == {new.session})
        os.utime(old.path)
        daemon.settle()
        assert held(daemon) == {new.session}
        daemon.stop()

    assert b"zebra" not in daemon.state.ledger.read_bytes()
