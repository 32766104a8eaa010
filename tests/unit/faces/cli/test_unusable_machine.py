"""What a command says where the machine does not let it work."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from unittest.mock import Mock

import pytest

from carryover.errors import ExitCode
from carryover.faces.cli.main import main
from carryover.past.context import state_dir
from support.forked import CARRYOVER
from support.recorded_shop import Run
from support.tools import needs_setpriv, without_rights_of_root


@needs_setpriv
def test_a_state_folder_of_root_is_said_with_what_gives_it_back(home: Path) -> None:
    """As a command with sudo leaves it: its mode is not the user's to change."""
    theirs = home / ".carryover"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, 1234, 1234)

    command = without_rights_of_root(*CARRYOVER, "status")
    answer = subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=60)

    assert f'Run `sudo chown -R "$(id -u)" {theirs}`, or set CARRYOVER_HOME' in answer.stderr


@needs_setpriv
def test_in_the_home_folder_of_another_user_nothing_is_taken_from_them(home: Path) -> None:
    """As with `sudo -u` where it keeps HOME: neither folder is the caller's."""
    (home / ".carryover").mkdir(mode=0o700)
    for folder in (home, home / ".carryover"):
        os.chown(folder, 1234, 1234)

    command = without_rights_of_root(*CARRYOVER, "status")
    answer = subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=60)

    assert f"{home}, your HOME, belongs to another user: run the command as that user, or set" in answer.stderr
    assert "chown" not in answer.stderr


def test_a_limit_on_processes_is_said_in_one_line(recorded: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.chdir(recorded)
    monkeypatch.setattr("_thread.start_new_thread", refuse)

    assert run.err(ExitCode.FAILED, "status") == (
        "carryover: No thread can be started, as you have as many processes as the system lets you have (`ulimit -u`). "
        "What was done before is kept. Correct that, then run the command again.\n"
    )


def test_where_the_daemon_cannot_be_started_no_handoff_is_promised(claude: Path, run: Run) -> None:
    (state_dir().root / "start.sh").mkdir(parents=True)  # where its script is to be

    code, out, _ = run("install", "--yes")

    assert claude.exists() and "carryoverd can't be started: " in out
    assert (code, "In a new session" in out) == (ExitCode.FAILED, False)
    assert out.endswith("⚠ not running yet: `carryover start` tries again, `carryover doctor` says what is wrong.\n")


def test_a_second_ctrl_c_ends_what_still_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process waits for its threads, such as those that ask agents for their versions."""
    monkeypatch.setattr("argparse.ArgumentParser.parse_known_args", Mock(side_effect=KeyboardInterrupt))
    monkeypatch.setattr("sys.argv", ["carryover", "status"])
    before = signal.getsignal(signal.SIGINT)
    try:
        assert (main(), signal.getsignal(signal.SIGINT)) == (ExitCode.INTERRUPTED, signal.SIG_DFL)
    finally:
        signal.signal(signal.SIGINT, before)
