"""A ledger whose pages are overwritten under a running daemon: what `status` says, and that what it says helps."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from carryover.errors import ExitCode
from carryover.ledger.connect import copies
from carryover.past.context import state_dir
from support.agent_here import only_this_path
from support.daemon_process import DaemonProcess
from support.recorded_shop import DISCOUNT, Run

ADVICE = (
    "is damaged; your agents' own files are not. `carryover doctor --fix` has it moved aside, what can be read of it "
    "saved, and the rest read again from the transcripts that still exist."
)


def overwrite(table: str) -> None:
    """As a failing disk would: the first page of a table, or of the whole file."""
    path = state_dir().ledger
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        (size,) = db.execute("PRAGMA page_size").fetchone()
        [(page,)] = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchall()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\x55" * size)


@pytest.mark.parametrize("table", ["session", "project"])
def test_status_says_what_happened_what_is_kept_and_what_to_do(
    table: str, recorded: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_this_path(home, monkeypatch)
    state_dir().config.write_text("[server]\nport = 0\n")
    with DaemonProcess() as daemon:
        daemon.wait_until_caught_up()
        overwrite(table)
        short, long, data = run("status"), run("status", "-v"), run("status", "--json")
        repair = run("doctor", "--fix")[1]
        is_restart_needed = "Run `carryover restart`: that mends the ledger." in repair
        assert is_restart_needed or "The ledger was mended" in repair, repair  # it ends once it finds the damage itself
    with DaemonProcess() as daemon:
        daemon.wait_until_caught_up()
        mended = run.out("status")

    for code, out, err in (short, long, data):
        assert (code, err, ADVICE in out) == (ExitCode.OK, "", True)
    assert [line for line in short[1].splitlines() if "nothing yet" in line] == []
    assert "recorded     not readable now\n" in short[1]
    assert f"problem      {state_dir().ledger} is damaged" in short[1]
    assert len(short[1].splitlines()) <= 10
    assert "2 sessions in 1 project" in mended and "damaged" not in mended
    assert any(".corrupt-" in copy.name for copy in copies(state_dir().ledger))
    assert f"Session {DISCOUNT}" in run("show", DISCOUNT)[1]
