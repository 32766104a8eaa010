from __future__ import annotations

import argparse
import json
import os
import re
from pathlib import Path
from typing import Any, Final

import pytest

from carryover.actions.context import state_dir
from carryover.cli.choose_agents import Answer, agent_ids, chosen
from carryover.config import load_config
from carryover.errors import ExitCode
from carryover.install.setup import Option
from support.agent_here import everything
from support.forked import CARRYOVER
from support.terminal import CTRL_C, ENTER, LEFT, RIGHT, SPACE, Terminal

OPTIONS = (
    Option(id="claude-code", name="Claude Code", presence="detected", ticked=True),
    Option(id="codex", name="Codex CLI", presence="not detected", ticked=False),
)

ASKING: Final[dict[str, Any]] = {"pointers": "private", "explain": lambda _pointers, _agents: (), "ask": True}


def test_who_names_agents_means_those() -> None:
    assert chosen(OPTIONS, ("codex",), **ASKING) == Answer(("codex",), "private")
    assert chosen(OPTIONS, (), **ASKING) == Answer((), "private")


def test_everyday_names_mean_the_same() -> None:
    assert agent_ids("Claude,codex,claude-code") == ("claude-code", "codex")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("codex,clippy", "unknown: clippy."),
        ("clippy,nib,codex", "unknown: clippy, nib."),
        ("", "no agent is named; `carryover uninstall` takes every agent's hooks out."),
        (" , ", "no agent is named; `carryover uninstall` takes every agent's hooks out."),
    ],
)
def test_what_cannot_be_used_is_refused(text: str, problem: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as refused:
        agent_ids(text)

    assert str(refused.value).startswith(f"{problem} Nothing was changed. Supported are: ")
    assert "claude-code (claude), " in str(refused.value)


INSTALL = (*CARRYOVER, "install", "--no-service")
QUESTION = "Which AI agents do you use? (space to toggle, enter to confirm)"


def test_what_is_here_is_ticked_and_enter_takes_it(claude: Path) -> None:
    with Terminal(INSTALL, os.environ) as terminal:
        asked = terminal.wait_for("Windsurf")
        terminal.press(ENTER)
        code, shown = terminal.end()

    assert QUESTION in asked
    assert re.search(r"● Claude Code +detected", asked)
    assert "○ Codex CLI" in asked
    assert code == ExitCode.OK
    assert "✓ Claude Code 2.1.328 detected" in shown
    assert "SessionStart" in json.loads(claude.read_bytes())["hooks"]


def test_space_unticks(claude: Path, home: Path) -> None:
    """Nothing is chosen then, so nothing is changed."""
    before = everything(home)
    with Terminal(INSTALL, os.environ) as terminal:
        terminal.wait_for("Windsurf")
        terminal.press(SPACE)
        terminal.wait_for("○ Claude Code")
        terminal.press(ENTER)
        code, shown = terminal.end()

    assert code == ExitCode.NOTHING_FOUND
    assert "No agent was chosen, so nothing was changed." in shown
    assert everything(home) == before


def test_ctrl_c_changes_nothing(claude: Path, home: Path) -> None:
    before = everything(home)
    with Terminal(INSTALL, os.environ) as terminal:
        terminal.wait_for("● Claude Code")
        terminal.press(CTRL_C)
        code, shown = terminal.end()

    assert code == ExitCode.INTERRUPTED
    assert "carryover: interrupted" in shown
    assert "Traceback" not in shown
    assert everything(home) == before


@pytest.mark.parametrize("option", ["--yes", "--agents=claude-code"])
def test_who_has_said_it_already_is_not_asked(claude: Path, option: str) -> None:
    with Terminal((*INSTALL, option), os.environ) as terminal:
        code, shown = terminal.end()

    assert code == ExitCode.OK
    assert QUESTION not in shown


def test_the_screen_says_what_is_written_when_and_offers_the_choice(claude: Path, shop: Path) -> None:
    """On a terminal of 80 columns and 24 lines. One question: Enter answers all of it."""
    with Terminal(INSTALL, os.environ, columns=80, lines=24) as terminal:
        shared = terminal.wait_for("CLAUDE.md.")
        terminal.press(RIGHT)
        private = terminal.wait_for("or by `carryover to`")
        terminal.press(RIGHT)
        terminal.wait_for("● off")
        terminal.press(LEFT, ENTER)
        code, shown = terminal.end()

    assert code == ExitCode.OK
    assert (
        " Windsurf        not detected\n\n What may be written into your projects? (← → to choose)\n"
        "   ● shared  ○ private  ○ off\n"
        "   Now in ~/shop: only .carryover/handoff.md, kept out of commits by\n   .git/info/exclude.\n"
        "   When an agent next works in a project, not before: .carryover/ in its\n"
        "   .gitignore, and five lines that point to the handoff in your AGENTS.md and\n   CLAUDE.md."
    ) in shared
    assert "● private" in private
    assert "Into your projects (private), once carryoverd runs:" in shown
    assert load_config(state_dir().config).publish.pointers == "private"
    assert not (shop / "AGENTS.md").exists()


@pytest.mark.parametrize("columns", [60])
def test_the_screen_breaks_no_word(claude: Path, shop: Path, columns: int) -> None:
    with Terminal(INSTALL, os.environ, columns=columns, lines=40) as terminal:
        asked = terminal.wait_for("CLAUDE.md.")
        terminal.press(CTRL_C)
        terminal.end()

    rows = asked.splitlines()
    assert max(map(len, rows)) < columns
    words = " ".join(asked.split())
    assert "kept out of commits by .git/info/exclude. When an agent next works in a project, not before:" in words
    gap = rows.index(next(row for row in rows if "What may be written" in row)) - rows.index(
        next(row for row in rows if "Windsurf" in row)
    )
    assert gap == 2, "right under the list, however high the terminal is"
