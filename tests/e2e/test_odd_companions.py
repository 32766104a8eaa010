"""A database whose companions are no files keeps nobody waiting: no command, and not the daemon."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

import pytest

from agents.opencode.stores import Client
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, handoff_of, wait_until
from support.forked import carryover

LIMIT_S: Final = 5.0
"""Far less than the time after which a daemon that hangs is ended by force."""


@pytest.fixture
def database(home: Path, project: Path) -> Path:
    """An opencode database whose client was killed, with a FIFO in the place of its WAL's index."""
    path = home / ".local" / "share" / "opencode" / "opencode.db"
    path.parent.mkdir(parents=True)
    with Client(path) as client:
        client.prompt(client.session(1, str(project)), 1, "Fix the parser")
        left = {suffix: Path(f"{path}{suffix}").read_bytes() for suffix in ("", "-wal")}
    for suffix, data in left.items():
        Path(f"{path}{suffix}").write_bytes(data)
    os.mkfifo(f"{path}-shm")
    return path


def test_the_daemon_answers_reads_the_others_and_ends(
    daemon: DaemonProcess, free_port: None, database: Path, session: ClaudeSession, project: Path
) -> None:
    session.prompt("Add a discount function to the cart")
    began = time.monotonic()
    with daemon:
        wait_until("the broken source", lambda: daemon.health()["broken_sources"] == 1, limit_s=LIMIT_S)
        wait_until("the handoff", lambda: "discount function" in handoff_of(project))
        code, took_s = daemon.stop()
    assert (code, took_s < LIMIT_S) == (0, True), time.monotonic() - began


@pytest.mark.parametrize("arguments", [["import"], ["handoff", "--transcript"]])
def test_a_command_that_is_handed_it_ends_with_a_message(
    home: Path, database: Path, project: Path, arguments: list[str]
) -> None:
    done = carryover(*arguments, str(database), cwd=project, limit_s=20)

    assert done.returncode not in (0, -9)
    assert str(database) in done.stderr
    assert "Traceback" not in done.stderr
