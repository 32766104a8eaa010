from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from carryover.errors import ExitCode
from support.agent_here import only_this_path
from support.codex_session import CodexSession
from support.recorded_shop import Run
from support.terminal import CTRL_C, DOWN, ENTER, Terminal
from support.tools import program

ALONE = [sys.executable, "-m", "carryover.cli.main"]
PAGER = "sed 's/^/paged: /'; read -r _ < /dev/tty"


@pytest.fixture
def terminal_env(recorded: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Two sessions are recorded in the folder that is current; one agent can be started, and `xclip` takes text."""
    only_this_path(home, monkeypatch)
    program(home / "bin" / "codex", 'echo "started in $PWD with $1"')
    program(home / "bin" / "xclip", f"cat > '{home}/taken'")
    monkeypatch.chdir(recorded)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return {**os.environ, "DISPLAY": ":0", "PAGER": PAGER}


def test_the_picker_opens_and_leaves_quietly(terminal_env: dict[str, str]) -> None:
    with Terminal(ALONE, terminal_env) as terminal:
        shown = terminal.wait_for("q quit")
        terminal.press("q")
        code, _ = terminal.end()

    assert "Wire discount into checkout" in shown
    assert "› Wire discount into checkout" in shown
    assert code == ExitCode.OK


def test_enter_shows_the_session_in_the_pager_and_comes_back(terminal_env: dict[str, str]) -> None:
    with Terminal(ALONE, terminal_env) as terminal:
        terminal.wait_for("q quit")
        terminal.press(DOWN, ENTER)
        shown = terminal.wait_for("paged:   Checkout is next")
        terminal.press(ENTER)
        terminal.wait_for("q quit")
        terminal.press(CTRL_C)
        code, text = terminal.end()

    assert "paged: Session c0de0000-0000-4000-8000-000000000001" in shown
    assert (code, text.splitlines()[-1]) == (ExitCode.INTERRUPTED, "carryover: interrupted")


def test_a_key_continues_in_another_agent(terminal_env: dict[str, str], recorded: Path) -> None:
    with Terminal(ALONE, terminal_env) as terminal:
        terminal.wait_for("q quit")
        terminal.press("c")
        terminal.wait_for("Continue in")
        terminal.press(ENTER)
        code, text = terminal.end()

    assert code == ExitCode.OK
    assert f"started in {recorded} with Read .carryover/handoff-chosen.md, then go on" in text


def test_a_key_copies_the_handoff(terminal_env: dict[str, str], home: Path) -> None:
    with Terminal(ALONE, terminal_env) as terminal:
        terminal.wait_for("q quit")
        terminal.press("y")
        code, text = terminal.end()

    assert (code, "is on the clipboard (xclip)" in text) == (ExitCode.OK, True)
    assert (home / "taken").read_text().startswith("# [CARRYOVER] Last updated ")


@pytest.mark.parametrize(
    ("key", "shown"), [(ENTER, "Session --yolo"), ("r", "'--yolo', is not one that Codex gives"), ("y", "(xclip)")]
)
def test_a_session_whose_id_looks_like_an_option_is_still_one(
    terminal_env: dict[str, str], recorded: Path, home: Path, run: Run, key: str, shown: str
) -> None:
    planted = CodexSession(home / "given", recorded, session="--yolo")
    planted.path = home / "given.jsonl"
    planted.prompt("Say hello.")
    assert run("import", str(planted.path))[0] == ExitCode.OK

    with Terminal(ALONE, terminal_env) as terminal:
        terminal.wait_for("› Say hello.")
        terminal.press(key)
        terminal.wait_for(shown)
        terminal.press(ENTER, CTRL_C)


def test_where_nothing_is_recorded_the_help_is_shown(home: Path) -> None:
    with Terminal(ALONE, os.environ) as terminal:
        code, text = terminal.end()

    assert (code, "examples:" in text) == (ExitCode.USAGE, True)
