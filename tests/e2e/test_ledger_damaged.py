"""Damage that only the search for transcripts meets ends the daemon too, and its next start mends the ledger."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import sessions
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, wait_until


def damage(ledger: Path, table: str) -> None:
    """Overwrites the first page of a table."""
    with closing(sqlite3.connect(ledger)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    with ledger.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


def test_a_daemon_that_cannot_look_for_transcripts_is_started_again_with_a_mended_ledger(
    daemon: DaemonProcess, free_port: None, session: ClaudeSession
) -> None:
    session.prompt("Add a parser")
    with daemon:
        daemon.settle()
        daemon.stop()
    damage(daemon.state.ledger, "source")

    daemon.start()
    code = wait_until("the daemon to end", lambda: daemon.process.poll())

    assert code == 1
    assert [line for line in daemon.log() if "vital_task_failed task=ledger-guard" in line]
    with daemon:
        daemon.settle()
        assert list(daemon.state.root.glob("ledger.corrupt-*.sqlite"))
        with closing(connect_read_only(daemon.state.ledger)) as db:
            assert [row.native_id for row in sessions(db, limit=9)] == [session.session]
