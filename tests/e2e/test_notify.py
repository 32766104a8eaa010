"""What a real daemon tells the program that supervises it."""

from __future__ import annotations

import os
from pathlib import Path

from carryover.errors import ExitCode
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess
from support.notify_socket import NotifySocket


def test_ready_means_that_the_daemon_answers(tmp_path: Path, home: Path) -> None:
    with NotifySocket(str(tmp_path / "notify")) as systemd:
        daemon = DaemonProcess(env={**os.environ, "NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "60000000"})
        daemon.start()
        reported: list[str] = []
        while "READY=1" not in reported:
            reported += systemd.receive()

        assert daemon.health()["pid"] == daemon.pid
        code, _ = daemon.stop()
        reported += systemd.pending()

    assert code == ExitCode.OK
    assert [reported.count(line) for line in ("READY=1", "STOPPING=1", "WATCHDOG=1")] == [1, 1, 1]
    assert reported[-1] == "STOPPING=1"


def test_the_status_counts_and_quotes_nothing(tmp_path: Path, session: ClaudeSession, project: Path) -> None:
    session.prompt("Add a discount function to the cart")
    address = str(tmp_path / "notify")
    with NotifySocket(address) as systemd, DaemonProcess(env={**os.environ, "NOTIFY_SOCKET": address}) as daemon:
        daemon.settle()
        reported: list[str] = []
        while "STATUS=Up to date, transcripts: 1" not in reported:
            reported += systemd.receive()

    assert {line for line in reported if line.startswith("STATUS=")} <= {
        "STATUS=Looking for transcripts",
        "STATUS=Reading transcripts: 1 of 1 to go",
        "STATUS=Up to date, transcripts: 1",
    }
