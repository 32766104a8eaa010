from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.recorded_shop import Run


def test_in_a_project_it_says_by_which_channel_each_agent_gets_the_handoff(
    recorded: Path, installed: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    title = "a new session in ~/shop would get the handoff"
    elsewhere = run.out("status", "-v")
    monkeypatch.chdir(recorded)

    shown = run.out("status", "-v").partition(title)[2]

    assert title not in elsewhere
    assert "  Claude Code      by the hook SessionStart; no handoff is in the project\n" in shown
    assert json.loads(run.out("status", "--json"))["here"]["root"] == str(recorded)
