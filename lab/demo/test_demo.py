"""`python -m demo`, which `make run` calls: no terminal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.agent_here import everything
from support.replayed import make_project, replay

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


@pytest.fixture
def demo(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Runs it; nothing is changed in the home folder, and nothing left of its throw-away folder."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv("CARRYOVER_HOME")  # the suite moves the state folder by it; the demo must not need that

    def run() -> str:
        before = everything(home)
        command = [sys.executable, "-u", "-m", "demo"]
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        assert (ran.returncode, ran.stderr) == (0, "")
        assert (everything(home), [*tmp_path.glob("carryover-*")]) == (before, [])
        return ran.stdout

    return run


@pytest.mark.night
def test_without_any_history_the_example_of_the_readme_is_shown(demo: Callable[[], str]) -> None:
    """Line for line, but for the time and the commit."""
    example = README.partition("<!-- handoff -->\n```markdown\n")[2].partition("```\n")[0]

    out = demo()

    assert "No agent's transcripts were found here.\n" in out
    assert re.search(r"^1 transcript read, \d+ events, in [\d.]+ s", out, re.MULTILINE)
    shown = out[out.index("# [CARRYOVER]") : out.index("\nThe throw-away folder")]
    assert lasting(shown) == lasting(example)
    assert "carryoverd " in out.partition("\nNext:\n")[2]
    assert "\x1b" not in out


def lasting(handoff: str) -> list[str]:
    without_times = re.sub(r"\b(?:20\d\d-\S+Z|resets [^(]+UTC)", "x", handoff)
    return re.sub(r"\b[0-9a-f]{7}\b", "x", without_times).strip().splitlines()


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
