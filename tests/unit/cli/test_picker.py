"""The question is asked in a real terminal: a person sees it and presses keys."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from carryover.cli.where import state_dir
from carryover.errors import ExitCode
from support.agent_here import everything
from support.terminal import CTRL_C, ENTER, SPACE, Terminal

INSTALL = (sys.executable, "-m", "carryover.cli.main", "install", "--no-service")
QUESTION = "Which AI agents do you use? (space to toggle, enter to confirm)"


def test_what_is_here_is_ticked_and_enter_takes_it(claude: Path) -> None:
    with Terminal(INSTALL, os.environ) as terminal:
        asked = terminal.wait_for("Windsurf")
        terminal.press(ENTER)
        code, shown = terminal.end()

    assert QUESTION in asked
    assert "[x] Claude Code  detected" in asked
    assert "[ ] Codex CLI" in asked
    assert code == ExitCode.OK
    assert "✓ Claude Code 2.1.328 detected" in shown
    assert "SessionStart" in json.loads(claude.read_bytes())["hooks"]


def test_space_unticks(claude: Path, home: Path) -> None:
    """Nothing is chosen then, so nothing is changed."""
    before = everything(home)
    with Terminal(INSTALL, os.environ) as terminal:
        terminal.wait_for("[x] Claude Code")
        terminal.press(SPACE)
        terminal.wait_for("[ ] Claude Code")
        terminal.press(ENTER)
        code, shown = terminal.end()

    assert code == ExitCode.NOTHING_FOUND
    assert "No agent was chosen, so nothing was changed." in shown
    assert everything(home) == before


def test_space_twice_ticks_again(claude: Path) -> None:
    with Terminal(INSTALL, os.environ) as terminal:
        terminal.wait_for("[x] Claude Code")
        terminal.press(SPACE)
        terminal.wait_for("[ ] Claude Code")
        terminal.press(SPACE)
        terminal.wait_for("[x] Claude Code")
        terminal.press(ENTER)
        code, _ = terminal.end()

    assert code == ExitCode.OK
    assert claude.exists()


def test_ctrl_c_changes_nothing(claude: Path, home: Path) -> None:
    before = everything(home)
    with Terminal(INSTALL, os.environ) as terminal:
        terminal.wait_for("[x] Claude Code")
        terminal.press(CTRL_C)
        code, shown = terminal.end()

    assert code == ExitCode.INTERRUPTED
    assert "carryover: interrupted" in shown
    assert "Traceback" not in shown
    assert everything(home) == before


def test_refresh_ticks_what_was_chosen_last(installed: Path) -> None:
    config = state_dir().config
    config.write_text(config.read_text().replace('["claude-code"]', "[]"))
    with Terminal((*INSTALL[:3], "refresh", "--no-service"), os.environ) as terminal:
        asked = terminal.wait_for("Windsurf")
        terminal.press(CTRL_C)
        terminal.end()

    assert "[ ] Claude Code" in asked
    assert "[x]" not in asked


@pytest.mark.parametrize("option", ["--yes", "--json", "--dry-run", "--tools=claude-code"])
def test_who_has_said_it_already_is_not_asked(claude: Path, option: str) -> None:
    with Terminal((*INSTALL, option), os.environ) as terminal:
        code, shown = terminal.end()

    assert code == ExitCode.OK
    assert QUESTION not in shown
