"""An agent that an update covers: named once, taken in by refresh alone, and not named again."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover import agents
from carryover.actions.context import state_dir
from carryover.errors import ExitCode
from support.recorded_shop import Run
from support.tools import versioned

ELSEWHERE = Path(__file__).parents[2] / "agents/elsewhere"
FOUND = "Found here and covered since an update: Scribe CLI."


@pytest.fixture
def updated(installed: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Carryover was installed, and then updated to a version that covers another agent, which is here."""
    versioned(home / "bin" / "scribe", "scribe 1.4")
    monkeypatch.setattr(agents, "__path__", [*agents.__path__, str(ELSEWHERE)])
    return home


def test_status_and_doctor_name_it_with_the_command(updated: Path, run: Run) -> None:
    assert FOUND in " ".join(run("status")[1].split())
    assert FOUND in run("doctor")[1]


@pytest.mark.parametrize("command", ["refresh", "install"])
def test_once_refused_it_is_not_named_again(updated: Path, run: Run, command: str) -> None:
    assert run(command, "--agents", "claude", "--no-service")[0] == ExitCode.OK

    assert 'selected = ["claude-code"]' in state_dir().config.read_text()
    assert FOUND not in " ".join(run("status")[1].split())
    assert FOUND not in run("doctor")[1]
    assert run("refresh", "--yes", "--no-service")[1].startswith("Nothing changed")
    assert not (updated / ".scribe").exists()
