"""A daemon that hangs, as one that is stopped or blocked by a disk: no command fails or waits for it, and it is
replaced."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from carryover.daemon.client import daemon_pid, stop_daemon
from support import forked
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, wait_until
from support.hook_client import payload_of, start_after
from support.hook_script import QUIET, HookScript

COMMAND: Final = (
    *forked.ALTERED,
    "import sys; from carryover.daemon import client; from carryover.past import handoff; "
    "client._SIGN_S = client.ANSWER_S = 0.05; handoff.HANDOFF_S = 600.0; "
    "from carryover.faces.cli.main import main; sys.exit(main())",
)
"""What hangs is noticed at once; without that, a handoff would be waited for longer than any test runs."""
HANGS: Final = "does not answer"


@pytest.fixture
def hanging(running: DaemonProcess, session: ClaudeSession) -> Iterator[DaemonProcess]:
    session.work("Count in cents")
    running.settle()
    running.process.send_signal(signal.SIGSTOP)
    yield running
    if daemon_pid(running.state) not in (None, running.pid):
        stop_daemon(running.state)


def carryover(daemon: DaemonProcess, project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return forked.run((*COMMAND, *arguments), env=daemon.env, cwd=project)


def fill_queue(path: Path) -> None:
    """Calls until no more fit, as the hooks of many sessions do."""
    while True:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.setblocking(False)
            try:
                connection.connect(os.fspath(path))
            except BlockingIOError:
                return


@pytest.mark.parametrize("is_full", [False, True])
def test_what_is_recorded_is_handed_over_with_a_word(hanging: DaemonProcess, project: Path, is_full: bool) -> None:
    if is_full:
        fill_queue(hanging.state.socket)

    got = carryover(hanging, project, "handoff")

    assert (got.returncode, "Count in cents" in got.stdout) == (0, True), got
    assert got.stderr.count(HANGS) == 1 and "carryover restart" in got.stderr
    assert HANGS in carryover(hanging, project, "status").stdout
    assert HANGS in carryover(hanging, project, "start").stdout


@pytest.mark.parametrize("is_full", [False, True])
def test_settings_and_a_pause_are_written_and_taken_once_it_answers(
    hanging: DaemonProcess, project: Path, is_full: bool
) -> None:
    if is_full:
        fill_queue(hanging.state.socket)

    changed = carryover(hanging, project, "config", "resume.mode", "brief")
    paused = carryover(hanging, project, "pause", "--json")

    assert (changed.returncode, changed.stdout) == (0, "resume.mode = brief (was ask).\n"), changed
    assert HANGS in changed.stderr
    assert (paused.returncode, json.loads(paused.stdout)["daemon"]) == (0, "when it answers"), paused
    hanging.process.send_signal(signal.SIGCONT)
    wait_until("the pause", lambda: hanging.health()["paused"])


def test_restart_replaces_one_that_is_stopped(hanging: DaemonProcess, project: Path) -> None:
    done = carryover(hanging, project, "restart")

    assert done.returncode == 0, done
    assert hanging.process.wait() == 0  # in order: it was woken to hear that it is to stop
    assert daemon_pid(hanging.state) not in (None, hanging.pid)


@pytest.mark.linux("for what a process has open")
def test_one_that_hears_no_signal_is_killed(running: DaemonProcess, free_port: None) -> None:
    deaf = (
        *forked.ALTERED,
        "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {15}); "
        "from carryover.daemon import run; run.STOP_LIMIT_S = 600.0; "
        "from carryover.faces.cli.carryoverd import main; main()",
    )
    running.stop()
    with DaemonProcess(deaf, env=running.env) as daemon:
        assert stop_daemon(daemon.state, limit_s=0.1) == daemon.pid
        assert daemon.process.wait() == -signal.SIGKILL


def test_a_session_still_starts_with_what_is_recorded_and_no_other_hook_says_anything(
    hanging: DaemonProcess, session: ClaudeSession, project: Path, home: Path
) -> None:
    script = HookScript(hanging.state, home)
    for event in ("UserPromptSubmit", "Stop", "SessionEnd"):
        assert script.said(event, json.dumps(payload_of(session, event)).encode(), project) == QUIET

    start = json.dumps(start_after(session)).encode()
    told = script.told("SessionStart", start, project, "Count in cents")
    assert (told.err, told.code) == ("", 0)
