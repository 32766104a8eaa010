from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from carryover.errors import ExitCode
from support.agent_here import everything, only_this_path
from support.forked import CARRYOVER
from support.recorded_shop import Run
from support.terminal import CTRL_C, DOWN, ENTER, Terminal, played
from support.tools import program

SEARCH = (*CARRYOVER, "search")
MISSING = "carryover search: error: the following arguments are required: WORDS"
PAGER = "sed 's/^/paged: /'; read -r _ < /dev/tty"
ESCAPE = "\x1b"
ALT_C = "\x1bc"
TAB = "\t"
RIGHT = "\x1b[C"
WHEEL_DOWN = "\x1b[<65;5;4M"
CLICK_ON_THIRD = "\x1b[<0;5;5M\x1b[<0;5;5m"


@pytest.fixture
def terminal_env(recorded: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Two sessions are recorded in the folder that is current; one agent can be started."""
    only_this_path(home, monkeypatch)
    program(home / "bin" / "codex", 'echo "started in $PWD with $1"')
    monkeypatch.chdir(recorded)
    return {**os.environ, "PAGER": PAGER}


def test_results_come_while_one_types_and_enter_shows_the_turn_and_comes_back(terminal_env: dict[str, str]) -> None:
    with Terminal(SEARCH, terminal_env, columns=80) as terminal:
        terminal.wait_for("Your newest prompts")
        terminal.press("next checkout")
        terminal.wait_for("carryover show c0de0000-0000-4000-8000-00000000000")
        assert "2 hits" in terminal.text
        terminal.press(ENTER)
        terminal.wait_for("paged: Session c0de0000-0000-4000-8000-000000000001, turn 2 of 2")
        terminal.press(ENTER)
        terminal.wait_for("> next checkout")
        terminal.press(f"{TAB}{RIGHT}")
        terminal.wait_for("Claude Code ›")
        terminal.press(ESCAPE)
        assert terminal.end()[0] == ExitCode.OK


def test_a_click_gives_the_list_the_focus_and_a_letter_continues_from_there(
    terminal_env: dict[str, str], recorded: Path
) -> None:
    with Terminal(SEARCH, terminal_env) as terminal:
        terminal.wait_for("carryover show c0de")
        terminal.press(f"{WHEEL_DOWN}{CLICK_ON_THIRD}")
        terminal.wait_for("c continue")
        terminal.press("c")
        terminal.wait_for("› Codex")
        terminal.press(ENTER)
        code, text = terminal.end()

    assert code == ExitCode.OK
    assert f"started in {recorded} with Read .carryover/handoff-chosen.md, then go on" in text


@pytest.mark.parametrize(("columns", "lines"), [(40, 8), (200, 50)])
def test_it_works_on_a_small_and_on_a_large_terminal(terminal_env: dict[str, str], columns: int, lines: int) -> None:
    with Terminal(SEARCH, terminal_env, columns=columns, lines=lines) as terminal:
        terminal.wait_for("carryover show c0de")
        terminal.press("discount", DOWN)
        terminal.wait_for("c continue")
        terminal.press(ALT_C)
        terminal.wait_for("› Codex")
        terminal.press(CTRL_C)
        assert terminal.end()[0] == ExitCode.INTERRUPTED


def test_the_terminal_is_as_before_after_it_was_told_to_end(terminal_env: dict[str, str]) -> None:
    with Terminal(SEARCH, terminal_env) as terminal:
        terminal.wait_for("carryover show c0de")
        terminal.signal(signal.SIGTERM)
        code, _ = terminal.end()

        assert code == 128 + signal.SIGTERM
        assert terminal.is_given_back()


def test_without_a_terminal_words_are_required(recorded: Path, run: Run) -> None:
    for arguments in (["search"], ["search", "--all", "--agent", "codex"]):
        assert run.err(ExitCode.USAGE, *arguments).splitlines()[-1] == MISSING


def test_on_a_terminal_json_and_a_dumb_one_require_words_too(terminal_env: dict[str, str]) -> None:
    assert MISSING.partition("error: ")[2] in played([*SEARCH, "--json"], env=terminal_env)[1]
    code, text = played(["env", "TERM=dumb", *SEARCH], env=terminal_env)
    assert (code, MISSING in text) == (ExitCode.USAGE, True)


def test_words_are_found_on_either_side_of_options(recorded: Path, run: Run) -> None:
    assert "checkout" in run("search", "--all", "wire", "--limit", "5", "checkout")[1]


def test_before_an_install_it_searches_what_the_agents_left_and_writes_nothing(
    shop: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = everything(home)

    with Terminal(SEARCH, os.environ) as terminal:
        terminal.wait_for("carryover show c0de")
        terminal.press("next checkout")
        terminal.wait_for("2 hits")
        terminal.press(CTRL_C)
        terminal.end()

    assert (everything(home), list(tmp_path.iterdir())) == (before, [])


def test_where_nothing_is_recorded_it_says_so(home: Path, terminal_env: dict[str, str], tmp_path: Path) -> None:
    code, text = played(SEARCH, env=terminal_env, cwd=tmp_path)

    assert (code, "No session is recorded for" in text) == (ExitCode.NOTHING_FOUND, True)
