"""A FIFO in the place of one of Carryover's own files keeps nobody waiting: no command, and not the daemon."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, wait_until
from support.forked import carryover

LIMIT_S = 25
"""Far less than a FIFO keeps those waiting that open it, which is for ever."""
PLACES = (
    "carryoverd.log",
    "config.toml",
    "daemon.lock",
    "hook.secret",
    "ledger.sqlite-wal",
)
COMMANDS = (["status"], ["handoff"], ["config"], ["doctor"], ["search", "discount"], ["forget", "--yes"])


@pytest.fixture
def state(daemon: DaemonProcess, free_port: None, session: ClaudeSession) -> Path:
    """The state folder that a daemon left."""
    session.prompt("Add a discount function to the cart")
    with daemon:
        daemon.settle()
        daemon.stop()
    return daemon.state.root


@pytest.mark.parametrize("place", PLACES)
def test_daemon_and_commands_answer_or_end(state: Path, daemon: DaemonProcess, project: Path, place: str) -> None:
    path = state / place
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)

    for command in COMMANDS:
        done = carryover(*command, cwd=project, limit_s=LIMIT_S)
        assert "Traceback" not in done.stderr
    daemon.start()
    wait_until("an answer or the end", lambda: daemon.process.poll() is not None or daemon.ask("GET", "/health"))
    if daemon.process.poll() is None:
        assert daemon.stop()[1] < 5
