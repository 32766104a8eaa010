from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from carryover.actions.context import state_dir
from carryover.actions.from_disk import catch_up
from carryover.errors import ExitCode
from carryover.fsio import private_dir
from support.agent_here import only_this_path
from support.claude_session import ClaudeSession
from support.codex_session import CodexSession
from support.forked import CARRYOVER
from support.recorded_shop import Run
from support.repository import repository
from support.terminal import DOWN, ENTER, Terminal
from support.tools import program

REST_OF_ID = "abc0000-0000-4000-8000-000000000000"
PARSER = "Write a parser for the price list in prices.py, with tests for empty lines."
LOGIN = "Add a login page to the web shop; the form goes into login.html."


@pytest.fixture
def shop(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two unrelated tasks were worked on, the login page last; an agent that can be started is here."""
    only_this_path(home, monkeypatch)
    program(home / "bin" / "claude", 'for word in "$PWD" "$@"; do echo "$word"; done')
    project = repository(home / "shop", {"prices.py": "PRICES = {}\n"})
    for number, task in enumerate((PARSER, LOGIN)):
        now = datetime.now(UTC) - timedelta(minutes=20 - 10 * number)
        session = ClaudeSession(home / ".claude" / "projects", project, session=f"{number}{REST_OF_ID}", now=now)
        session.prompt(task)
        session.answer("I have begun with it. Next I write the file itself.")
    private_dir(state_dir().root)
    catch_up(state_dir(), str(project))
    return project


def task_in(text: str) -> str:
    """The first prompt under the heading, without what says whose and when it was."""
    return text.partition("## Task\n- ")[2].partition("\n")[0].partition(": ")[2]


def test_carryover_to_without_a_terminal_prints_the_command_that_handoff_prints(shop: Path, run: Run) -> None:
    printed = run("to", "claude", str(shop))

    assert printed == run("handoff", str(shop), "--to", "claude")
    assert (printed[0], printed[1].startswith(f"cd {shop} && claude 'Read .carryover/handoff.md, then")) == (0, True)


@pytest.mark.parametrize(
    "order", ["to claude --session 0abc DIR", "to claude DIR --session 0abc", "to --session 0abc claude DIR"]
)
def test_an_option_may_stand_between_the_agent_and_the_project(shop: Path, run: Run, order: str) -> None:
    code, out, err = run(*(str(shop) if word == "DIR" else word for word in order.split()))

    assert (code, err, out.startswith(f"cd {shop} && claude 'Read .carryover/handoff-chosen.md")) == (0, "", True)
    assert run("to", "claude", "--session", "0abc", str(shop), "more")[0] == ExitCode.USAGE


def test_the_last_other_agent_that_worked_here_or_the_only_one_is_meant_by_a_dash(
    shop: Path, home: Path, run: Run
) -> None:
    nobody = run("to", "-", str(shop))
    program(home / "bin" / "gemini", "exit 0")
    only = run("to", "-", str(shop))
    program(home / "bin" / "codex", "exit 0")
    several = run("to", "-", str(shop))
    codex = CodexSession(home / ".codex", shop, now=datetime.now(UTC) - timedelta(hours=1))
    codex.prompt("Write the README.")
    codex.answer("It is written.")
    last = run("to", "-", str(shop))

    assert (nobody[0], nobody[1]) == (several[0], several[1]) == (ExitCode.NOTHING_FOUND, "")
    assert "These can be started here: claude-code, codex, gemini-cli. Name one: `carryover to AGENT`." in several[2]
    assert (only[0], "&& gemini " in only[1]) == (ExitCode.OK, True)
    assert (last[0], "&& codex " in last[1]) == (ExitCode.OK, True)


def test_another_agent_gets_the_chosen_work_and_the_projects_own_handoff_stays(shop: Path, run: Run) -> None:
    code, out, err = run("handoff", str(shop), "--to", "claude", "--session", "0abc")

    chosen, usual = (shop / ".carryover" / name for name in ("handoff-chosen.md", "handoff.md"))
    assert (code, err) == (ExitCode.OK, "")
    assert ".carryover/handoff-chosen.md, then go on" in out
    assert (task_in(chosen.read_text()), task_in(usual.read_text())) == (PARSER, LOGIN)
    assert chosen.stat().st_mode & 0o777 == 0o600


def test_a_session_of_another_project_is_never_handed_over(shop: Path, home: Path, run: Run) -> None:
    other = repository(home / "other")
    ClaudeSession(home / ".claude" / "projects", other, session=f"9{REST_OF_ID}").prompt(
        "Rewrite the manual of the other one."
    )
    catch_up(state_dir(), str(other))

    code, out, err = run("handoff", str(shop), "--session", "9abc")

    assert (code, out) == (ExitCode.NOTHING_FOUND, "")
    assert f"Session 9{REST_OF_ID} belongs to {other}; name that project." in err


def test_on_a_terminal_the_user_picks_where_several_tasks_are_open(shop: Path, home: Path) -> None:
    command = [*CARRYOVER, "handoff", str(shop), "--to", "claude"]
    with Terminal(command, os.environ) as terminal:
        shown = terminal.wait_for("Write a parser")
        terminal.press(DOWN, ENTER)
        code, text = terminal.end()

    assert "Which work do you want to continue?" in shown
    assert code == ExitCode.OK
    assert f"cd {shop} && claude" in text
    assert "handoff-chosen.md" in text
    assert task_in((shop / ".carryover" / "handoff-chosen.md").read_text()) == PARSER
