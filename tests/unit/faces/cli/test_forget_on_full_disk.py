"""What `carryover forget` says if the ledger can't be written at some point."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.errors import ExitCode
from carryover.fsio import private_dir
from carryover.ledger.connect import LedgerUnavailable
from carryover.ledger.store import Ledger
from carryover.past.context import state_dir
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess
from support.recorded_shop import Run


@pytest.fixture
def more(home: Path, recorded: Path) -> ClaudeSession:
    """One more session in a project that a daemon has published."""
    session = ClaudeSession(home / ".claude/projects", recorded).work()
    private_dir(state_dir().root)
    state_dir().config.write_text("[server]\nport = 0\n")
    with DaemonProcess() as daemon:
        daemon.settle()
        daemon.stop()
    return session


async def full(*_: object, **__: object) -> None:
    raise LedgerUnavailable("The disk is full.")


def test_what_was_forgotten_before_the_disk_was_full_is_said_to_be(
    more: ClaudeSession, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ledger, "set_published", full)

    code, out, _ = run("forget", more.session, "--yes")

    assert code == ExitCode.FAILED
    assert "1 session forgotten" in out and "could not be noted: The disk is full." in out
    run.err(ExitCode.NOTHING_FOUND, "show", more.session)


def test_what_could_not_be_forgotten_is_said_to_be_still_there(
    more: ClaudeSession, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ledger, "forget", full)

    code, _, said = run("forget", more.session, "--yes")

    assert code == ExitCode.FAILED
    assert said == "carryover: Nothing was forgotten yet; run this again. The disk is full.\n"
    run.out("show", more.session)
