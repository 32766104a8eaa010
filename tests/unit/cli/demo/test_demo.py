"""`python -m carryover.cli.demo`, which `make run` calls: no terminal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from carryover.cli.demo.replay import make_project, replay
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
