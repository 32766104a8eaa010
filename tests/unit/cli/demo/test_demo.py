"""`python -m carryover.cli.demo`, which `make run` calls: no terminal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from carryover.cli.demo.replay import make_project, replay
from support.agent_here import everything


@pytest.fixture
def demo(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Runs it; nothing is changed in the home folder, and nothing left of its throw-away folder."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv("CARRYOVER_HOME")  # the suite moves the state folder by it; the demo must not need that

    def run() -> str:
        before = everything(home)
        command = [sys.executable, "-u", "-m", "carryover.cli.demo"]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        assert (ran.returncode, ran.stderr) == (0, "")
        assert (everything(home), [*tmp_path.glob("carryover-*")]) == (before, [])
        return ran.stdout

    return run


def test_without_any_history_a_recorded_session_is_replayed(demo: Callable[[], str]) -> None:
    out = demo()

    assert "No agent's transcripts were found here.\n" in out
    assert re.search(r"^2 transcripts read, \d+ events, in [\d.]+ s", out, re.MULTILINE)
    assert ": Wire discount into checkout" in out and "`checkout.py`" in out
    assert "carryoverd " in out.partition("\nNext:\n")[2]
    assert "\x1b" not in out


def test_the_users_history_is_read_and_nothing_of_the_users_changes(home: Path, demo: Callable[[], str]) -> None:
    """Neither transcripts nor projects, nor is a state folder made."""
    project = home / "code" / "my-shop"
    make_project(project, os.environ)
    replay(home / ".claude", project)

    out = demo()

    assert re.search(r"^Found 2 transcripts of Claude Code \([\d.]+ kB\)", out, re.MULTILINE)
    assert re.search(r"^2 transcripts read, \d+ events, in [\d.]+ s", out, re.MULTILINE)
    assert "\nThe handoff of ~/code/my-shop, where something happened last:\n\n# [CARRYOVER] Last updated " in out
    assert ": Wire discount into checkout" in out
