"""A handoff where another project's store takes long to read, and no daemon runs."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from agents.opencode.stores import START_MS, Client
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import projects
from carryover.ledger.rows import ProjectRow
from carryover.past.context import state_dir
from support.recorded_shop import Run


def test_no_command_reads_another_stores_many_sessions_to_their_end(
    recorded: Path, home: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not read of it is read by the next commands, newest first."""
    monkeypatch.setattr("carryover.past.without_daemon.PATIENCE_S", 0.0)
    with Client(home / ".local/share/opencode/opencode.db", wal=False) as client:
        session = client.session(START_MS, str(tmp_path))
        for number in range(600):
            client.prompt(session, START_MS + number, f"prompt {number}")

    code, _, first = run("handoff", str(recorded))
    assert (code, "takes long to read" in first) == (0, True)
    code, _, then = run("handoff", str(recorded))
    assert (code, then) == (0, "")
    assert [row.root for row in recorded_projects()] == [str(recorded), str(tmp_path)]


def recorded_projects() -> list[ProjectRow]:
    with closing(connect_read_only(state_dir().ledger)) as db:
        return projects(db)
