from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from carryover.errors import ExitCode
from support.agent_here import everything, only_this_path
from support.codex_session import CodexSession
from support.forked import CARRYOVER
from support.recorded_shop import Run
from support.terminal import CTRL_C, DOWN, ENTER, Terminal, played
from support.tools import program

SEARCH = (*CARRYOVER, "search")
MISSING = "carryover search: error: the following arguments are required: WORDS"
LISTED = "carryover show c0de"
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


def test_enter_shows_the_session_in_the_pager_and_comes_back(terminal_env: dict[str, str]) -> None:
    steps = ((LISTED, f"{DOWN}{ENTER}"), ("paged:   Checkout is next", ENTER), ("? keys", CTRL_C))
    code, text = played(CARRYOVER, *steps, env=terminal_env)

    assert "› Wire discount into checkout" in text
    assert "paged: Session c0de0000-0000-4000-8000-000000000001" in text
    assert (code, text.splitlines()[-1]) == (ExitCode.INTERRUPTED, "carryover: interrupted")


def test_search_begins_in_the_query_and_enter_shows_the_turn(terminal_env: dict[str, str]) -> None:
    """ "Checkout is next" was said in the older of the two sessions."""
    with Terminal(SEARCH, terminal_env, columns=80) as terminal:
        terminal.wait_for(LISTED)
        terminal.press("next checkout")
        terminal.wait_for("2 found")
        terminal.press(ENTER)
        terminal.wait_for("paged: Session c0de0000-0000-4000-8000-000000000001, turn 2 of 2")
        terminal.press(ENTER)
        terminal.wait_for("> next checkout")
        terminal.press(CTRL_C)
        assert terminal.end()[0] == ExitCode.INTERRUPTED


def test_when_the_terminal_is_closed_before_an_install_nothing_that_was_read_stays(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop)
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    with Terminal(CARRYOVER, os.environ) as terminal:
        terminal.wait_for(LISTED)
        [scratch] = tmp_path.iterdir()
        terminal.signal(signal.SIGHUP)

        assert (terminal.end()[0], scratch.exists()) == (128 + signal.SIGHUP, False)


def test_the_terminal_is_as_before_after_it_was_told_to_end(terminal_env: dict[str, str]) -> None:
    with Terminal(CARRYOVER, terminal_env) as terminal:
        terminal.wait_for(LISTED)
        terminal.signal(signal.SIGTERM)
        code, _ = terminal.end()

        assert code == 128 + signal.SIGTERM
        assert terminal.is_given_back()


def test_a_key_continues_in_another_agent(terminal_env: dict[str, str], recorded: Path) -> None:
    code, text = played(CARRYOVER, (LISTED, "c"), ("› Codex", ENTER), env=terminal_env, lines=8)

    assert code == ExitCode.OK
    assert f"started in {recorded} with Read .carryover/handoff-chosen.md, then go on" in text


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

    with Terminal(CARRYOVER, terminal_env) as terminal:
        terminal.wait_for("› Say hello.")
        terminal.press(key)
        terminal.wait_for(shown)
        terminal.press(ENTER, CTRL_C)


def test_before_an_install_it_lists_what_the_agents_left_and_writes_nothing(
    shop: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = everything(home)

    steps = ((LISTED, ENTER), ("paged: Session", ENTER), ("? keys", "q"))
    code, shown = played(CARRYOVER, *steps, env={**os.environ, "PAGER": PAGER})

    assert (code, "Wire discount into checkout" in shown, "~/shop" in shown) == (ExitCode.OK, True, True)
    assert (everything(home), list(tmp_path.iterdir())) == (before, [])


def test_without_any_history_it_says_where_it_looked_and_what_to_do_next(home: Path) -> None:
    code, text = played(CARRYOVER, columns=80)

    assert (code, "\n  Claude Code ~/.claude/projects\n" in text) == (ExitCode.OK, True)
    assert "`carryover install`" in text and "`carryover import FILE`" in text
    assert max(map(len, text.splitlines())) <= 80
    assert [path.name for path in home.iterdir()] == [".gitconfig"]


def test_where_nobody_can_pick_the_sessions_are_listed(home: Path) -> None:
    code, text = played(["env", "TERM=dumb", *CARRYOVER])

    assert (code, "No session is recorded anywhere." in text) == (ExitCode.NOTHING_FOUND, True)


def test_without_a_terminal_words_are_required(recorded: Path, run: Run) -> None:
    for arguments in (["search"], ["search", "--all", "--agent", "codex"]):
        assert run.err(ExitCode.USAGE, *arguments).splitlines()[-1] == MISSING


def test_on_a_terminal_json_and_a_dumb_one_require_words_too(terminal_env: dict[str, str]) -> None:
    assert MISSING.partition("error: ")[2] in played([*SEARCH, "--json"], env=terminal_env)[1]
    code, text = played(["env", "TERM=dumb", *SEARCH], env=terminal_env)
    assert (code, MISSING in text) == (ExitCode.USAGE, True)


def test_words_are_found_on_either_side_of_options(recorded: Path, run: Run) -> None:
    assert "checkout" in run("search", "--all", "wire", "--limit", "5", "checkout")[1]


@pytest.mark.parametrize("project", [".", "elsewhere"])
def test_where_nothing_is_recorded_search_says_so(home: Path, run: Run, project: str) -> None:
    (home / "elsewhere").mkdir()
    code, text = played([*SEARCH, "--project", project], cwd=home)

    assert (code, "No session is recorded" in text) == (ExitCode.NOTHING_FOUND, True)


def test_a_folder_that_is_asked_for_is_not_replaced_by_all(terminal_env: dict[str, str], tmp_path: Path) -> None:
    code, text = played([*SEARCH, "--project", str(tmp_path)], env=terminal_env)

    assert (code, f"No session is recorded for {tmp_path}." in text) == (ExitCode.NOTHING_FOUND, True)
