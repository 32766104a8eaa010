"""A FIFO in the place of one of Carryover's own files keeps nobody waiting: no command, and not the daemon."""

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


END_S: Final = 5.0
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
        wait_until("the broken source", lambda: daemon.health()["broken_sources"] == 1, limit_s=END_S)
        wait_until("the handoff", lambda: "discount function" in handoff_of(project))
        code, took_s = daemon.stop()
    assert (code, took_s < END_S) == (0, True), time.monotonic() - began


@pytest.mark.parametrize("arguments", [["import"], ["handoff", "--transcript"]])
def test_a_command_that_is_handed_it_ends_with_a_message(
    home: Path, database: Path, project: Path, arguments: list[str]
) -> None:
    done = carryover(*arguments, str(database), cwd=project, limit_s=20)

    assert done.returncode not in (0, -9)
    assert str(database) in done.stderr
    assert "Traceback" not in done.stderr
