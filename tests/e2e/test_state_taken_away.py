"""The state folder goes while a daemon runs, or cannot be used when one starts."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path
from typing import Final

from carryover.errors import ExitCode
from carryover.fsio import FileLock, private_dir
from support.claude_session import ClaudeSession
from support.daemon_process import COMMAND, DaemonProcess, handoff_of
from support.forked import ALTERED, run
from support.notify_socket import NotifySocket

QUICK: Final = (
    *ALTERED,
    "import sys; from carryover.daemon import main, run; run.RETRY_S = 0.2; sys.exit(main.main())",
)


def test_a_daemon_whose_state_was_removed_ends_and_leaves_its_successor_alone(
    session: ClaudeSession, project: Path
) -> None:
    session.prompt("Add a discount function to the cart")
    with DaemonProcess() as first:
        first.settle()
        shutil.rmtree(first.state.root)
        with DaemonProcess() as second:
            assert first.process.wait(30) == ExitCode.FAILED
            second.settle()
            assert "discount" in handoff_of(project)
            assert second.state.socket.exists()


def test_a_daemon_whose_ledger_was_emptied_ends_and_the_next_reads_all_again(
    session: ClaudeSession, project: Path
) -> None:
    session.prompt("Add a discount function to the cart")
    with DaemonProcess() as daemon:
        daemon.settle()
        os.truncate(daemon.state.ledger, 0)
        assert daemon.process.wait(30) == ExitCode.FAILED

    (project / ".carryover" / "handoff.md").unlink()
    with DaemonProcess() as daemon:
        daemon.settle()
    assert "discount" in handoff_of(project)


def test_a_daemon_waits_for_a_command_that_reads_into_the_ledger(session: ClaudeSession, project: Path) -> None:
    session.prompt("Add a discount function to the cart")
    daemon = DaemonProcess()
    private_dir(daemon.state.root)
    command = FileLock(daemon.state.lock)
    assert command.acquire()
    threading.Timer(1.0, command.release).start()

    with daemon:
        daemon.settle()

    assert "discount" in handoff_of(project)


def test_a_state_folder_that_cannot_be_used_is_tried_again_under_systemd(
    session: ClaudeSession, project: Path, tmp_path: Path
) -> None:
    """systemd gives up after a few failed starts, and a disk that was full at login has space a minute later."""
    session.prompt("Add a discount function to the cart")
    with NotifySocket(str(tmp_path / "notify")) as systemd:
        daemon = DaemonProcess(QUICK, env={**os.environ, "NOTIFY_SOCKET": systemd.address})
        private_dir(daemon.state.root)
        daemon.state.lock.mkdir()  # what not even root can write to
        daemon.start()
        assert systemd.receive()[0].startswith(f"STATUS=Waiting: The lock {daemon.state.lock} cannot be taken: ")
        daemon.state.lock.rmdir()
        daemon.wait_until_it_answers().settle()
        daemon.stop()
    assert "discount" in handoff_of(project)


def test_without_a_service_manager_it_ends_and_says_why(home: Path) -> None:
    daemon = DaemonProcess()
    private_dir(daemon.state.root)
    daemon.state.lock.mkdir()

    ran = run(COMMAND)

    assert ran.returncode == ExitCode.FAILED
    assert ran.stderr.startswith(f"carryoverd: The lock {daemon.state.lock} cannot be taken: ")
    assert "Traceback" not in ran.stderr
