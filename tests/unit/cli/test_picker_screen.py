from __future__ import annotations

import os
from pathlib import Path

import pytest

from carryover.errors import ExitCode
from support.agent_here import everything, only_this_path
from support.codex_session import CodexSession
from support.forked import CARRYOVER
from support.recorded_shop import Run
from support.terminal import CTRL_C, DOWN, ENTER, Terminal
from support.tools import program

ALONE = CARRYOVER
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
        shown = terminal.wait_for("? keys")
        terminal.press("q")
        code, _ = terminal.end()

    assert "Wire discount into checkout" in shown
    assert "› Wire discount into checkout" in shown
    assert code == ExitCode.OK


def test_enter_shows_the_session_in_the_pager_and_comes_back(terminal_env: dict[str, str]) -> None:
    with Terminal(ALONE, terminal_env) as terminal:
        terminal.wait_for("? keys")
        terminal.press(DOWN, ENTER)
        shown = terminal.wait_for("paged:   Checkout is next")
        terminal.press(ENTER)
        terminal.wait_for("? keys")
        terminal.press(CTRL_C)
        code, text = terminal.end()

    assert "paged: Session c0de0000-0000-4000-8000-000000000001" in shown
    assert (code, text.splitlines()[-1]) == (ExitCode.INTERRUPTED, "carryover: interrupted")


def test_a_key_continues_in_another_agent(terminal_env: dict[str, str], recorded: Path) -> None:
    with Terminal(ALONE, terminal_env) as terminal:
        terminal.wait_for("? keys")
        terminal.press("c")
        terminal.wait_for("Continue in")
        terminal.press(ENTER)
        code, text = terminal.end()

    assert code == ExitCode.OK
    assert f"started in {recorded} with Read .carryover/handoff-chosen.md, then go on" in text


def test_a_key_copies_the_handoff(terminal_env: dict[str, str], home: Path) -> None:
    with Terminal(ALONE, terminal_env) as terminal:
        terminal.wait_for("? keys")
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


def test_the_filter_finds_what_was_answered_and_the_keys_are_shown(terminal_env: dict[str, str]) -> None:
    """ "Checkout is next" was said in the older of the two sessions."""
    with Terminal(ALONE, terminal_env, columns=80) as terminal:
        terminal.wait_for("? keys")
        terminal.press("?")
        help_text = terminal.wait_for("any key goes back")
        terminal.press("x", "/", *"next check")
        terminal.wait_for("1 found")
        terminal.press(ENTER, ENTER)  # no wait in between: only the cells that differ are drawn
        shown = terminal.wait_for("paged: Session")
        terminal.press(ENTER)
        terminal.wait_for("1 found · esc ends")
        terminal.press("q")
        code, _ = terminal.end()

    assert "filter as you type, by words in prompts" in help_text
    assert ("000001" in shown, code) == (True, ExitCode.OK)


def test_before_an_install_it_lists_what_the_agents_left_and_writes_nothing(
    shop: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = everything(home)

    with Terminal(ALONE, {**os.environ, "PAGER": PAGER}) as terminal:
        shown = terminal.wait_for("nothing is kept")
        terminal.press(ENTER)
        terminal.wait_for("paged: Session")
        terminal.press(ENTER)
        terminal.wait_for("? keys")
        terminal.press("q")
        code, _ = terminal.end()

    assert (code, "Wire discount into checkout" in shown, "~/shop" in shown) == (ExitCode.OK, True, True)
    assert (everything(home), list(tmp_path.iterdir())) == (before, [])


def test_without_any_history_it_says_where_it_looked_and_what_to_do_next(home: Path) -> None:
    with Terminal(ALONE, os.environ, columns=80) as terminal:
        code, text = terminal.end()

    assert code == ExitCode.OK
    assert "\n  Claude Code      ~/.claude/projects\n" in text
    assert "`carryover install`" in text and "`carryover import FILE`" in text
    assert max(map(len, text.splitlines())) <= 80
    assert [path.name for path in home.iterdir()] == [".gitconfig"]


def test_where_nobody_can_pick_the_help_is_shown(home: Path) -> None:
    with Terminal(["env", "TERM=dumb", *ALONE], os.environ) as terminal:
        code, text = terminal.end()

    assert (code, "examples:" in text) == (ExitCode.USAGE, True)
