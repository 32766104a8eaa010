"""`python -m carryover.cli.demo`, which `make run` calls: a real daemon, no terminal."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import pytest

from carryover.cli.demo.__main__ import read_once
from carryover.cli.demo.replay import make_project, replay
from carryover.distill.stored_digest import DigestReducer
from carryover.ledger.store import Ledger
from carryover.paths import StateDir
from support.agent_here import everything

DEMO = [sys.executable, "-u", "-m", "carryover.cli.demo"]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the demo makes its throw-away folder."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.fixture
def daemon_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite moves the state folder by variable; the demo must not need that."""
    monkeypatch.delenv("CARRYOVER_HOME")


def demo() -> subprocess.CompletedProcess[str]:
    return subprocess.run(DEMO, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False)


def handoff_in(output: str) -> str:
    return output[output.index("# [CARRYOVER] Last updated ") :].partition("\n\n")[0]


@pytest.mark.usefixtures("daemon_of_the_user")
def test_without_any_history_a_recorded_session_is_replayed(home: Path, temporary: Path) -> None:
    before = everything(home)

    ran = demo()

    assert (ran.returncode, ran.stderr) == (0, "")
    assert "No agent's transcripts were found here.\n" in ran.stdout
    assert re.search(r"^2 transcripts read, \d+ events, in [\d.]+ s", ran.stdout, re.MULTILINE)
    handoff = handoff_in(ran.stdout)
    assert ": Wire discount into checkout" in handoff
    assert "`checkout.py`" in handoff
    assert "branch main" in handoff
    assert "carryoverd " in ran.stdout.partition("\nNext:\n")[2]
    assert "\x1b" not in ran.stdout
    assert everything(home) == before
    assert list(temporary.iterdir()) == []


@pytest.mark.usefixtures("daemon_of_the_user")
def test_the_users_history_is_read_and_nothing_of_the_users_changes(home: Path, temporary: Path) -> None:
    """Neither transcripts nor projects, nor is a state folder made."""
    project = home / "code" / "my-shop"
    make_project(project, os.environ)
    replay(home / ".claude", project)
    before = everything(home)

    ran = demo()

    assert (ran.returncode, ran.stderr) == (0, "")
    assert re.search(r"^Found 2 transcripts of Claude Code \([\d.]+ kB\)", ran.stdout, re.MULTILINE)
    assert re.search(r"^2 transcripts read, \d+ events, in [\d.]+ s", ran.stdout, re.MULTILINE)
    assert "\nThe handoff of ~/code/my-shop, where something happened last:\n" in ran.stdout
    assert ": Wire discount into checkout" in handoff_in(ran.stdout)
    assert everything(home) == before
    assert list(temporary.iterdir()) == []


@pytest.mark.usefixtures("daemon_of_the_user")
def test_stopped_in_the_middle_it_takes_its_daemon_and_its_folder_along(shop: Path, temporary: Path) -> None:
    # The demo may have ended before the signal comes; then it is run again.
    stopped = next(ended for ended in (_stopped() for _ in range(40)) if ended[0] != 0)

    assert stopped == (130, "\nInterrupted. The daemon was stopped and the throw-away folder removed.\n")
    assert list(temporary.iterdir()) == []


def _stopped() -> tuple[int, str]:
    """The exit code and the errors of a demo that was interrupted once it had found something to read."""
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a run in the background inherits that it is ignored
    with subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heard) as process:
        assert process.stdout is not None
        assert any(line.startswith("Found ") for line in process.stdout)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        return process.returncode, errors


async def test_a_history_that_takes_too_long_is_not_waited_for(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = StateDir(tmp_path)
    await (await Ledger.open(state.ledger, DigestReducer())).close()

    assert read_once(state, os.environ, limit_s=0.0) is None
    assert "the rest was left unread this time.\n" in capsys.readouterr().out
