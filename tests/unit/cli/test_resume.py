from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import chdir
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
from support.terminal import Terminal
from support.tools import program

SESSION = "0abc0000-0000-4000-8000-000000000000"


@pytest.fixture
def below(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder below a project, in which a session of Claude Code began; its command is here."""
    only_this_path(home, monkeypatch)
    program(home / "bin" / "claude", 'for word in "$PWD" "$@"; do echo "$word"; done')
    project = repository(home / "shop", {"web/page.html": "<p>\n"})
    session = ClaudeSession(home / ".claude" / "projects", project / "web", session=SESSION)
    session.prompt("Add a login page to the web shop.")
    private_dir(state_dir().root)
    catch_up(state_dir(), str(project))
    return project / "web"


def test_the_command_is_the_agents_own_in_the_folder_that_the_session_began_in(below: Path, run: Run) -> None:
    assert run("resume", "0abc") == (ExitCode.OK, f"cd {below} && claude --resume {SESSION}\n", "")


def test_where_the_folder_is_gone_too_another_agent_can_carry_on(below: Path, run: Run) -> None:
    shutil.rmtree(below.parent)

    code, out, err = run("resume", SESSION)

    assert (code, out) == (ExitCode.NOTHING_FOUND, "")
    assert f"`carryover to AGENT --session {SESSION}` carries on in another agent." in err


def test_an_agent_that_is_not_here_is_said(below: Path, home: Path, run: Run) -> None:
    (home / "bin" / "claude").unlink()

    code, out, err = run("resume", SESSION)

    assert (code, out) == (ExitCode.OK, f"cd {below} && claude --resume {SESSION}\n")
    assert err == "There is no `claude` command on PATH or in the usual places.\n"


def test_without_a_terminal_nothing_is_run(below: Path, run: Run) -> None:
    code, out, err = run("resume", SESSION, "--run")

    assert (code, out) == (ExitCode.REFUSED, "")
    assert "there is no terminal here" in err


@pytest.mark.parametrize(
    "session",
    ["--yolo", '-cnotify=["sh","-c","touch x"]', "$(touch x)", "a b", "a;b", "a\nb", "é"],
)
def test_an_id_that_no_agent_gives_is_never_part_of_a_command(session: str, below: Path, home: Path, run: Run) -> None:
    other = repository(home / "other", {"a.py": "1\n"})
    planted = CodexSession(home / "given", other, session=session)
    planted.path = home / "given.jsonl"
    planted.prompt("Add a logout page to the web shop.")
    assert run("import", str(planted.path))[0] == ExitCode.OK

    with chdir(other):
        code, out, err = run("resume", "last")
        _, handoff, _ = run("handoff")

    assert (code, out) == (ExitCode.REFUSED, "")
    assert "is not one that Codex gives, so its command is not printed" in err
    safe = "a" if session.startswith("a") else "ID"
    assert f"`carryover to AGENT --session {safe}` carries on in another agent." in err
    assert "Add a logout page" in handoff
    assert f"Full history: `carryover show {safe}`;" in handoff


@pytest.mark.parametrize("name", ["a\x1b[31mb", "a\nb", "a\u202egpj", "a\u200bb", "-x y", "it's"])
def test_the_printed_folder_is_the_sessions_whatever_its_name_holds(
    name: str, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_this_path(home, monkeypatch)
    program(home / "bin" / "claude")
    project = repository(home / name, {"a.py": "1\n"})
    ClaudeSession(home / ".claude" / "projects", project, session=SESSION).prompt("Add a login page to the web shop.")
    private_dir(state_dir().root)
    catch_up(state_dir(), str(project))

    code, out, _ = run("resume", SESSION)

    assert (code, out.count("\n"), out[:-1].isprintable()) == (ExitCode.OK, 1, True)
    shown = subprocess.run(["bash", "-c", f"{out.partition(' && ')[0]} && pwd"], capture_output=True, check=True).stdout
    assert shown == os.fsencode(f"{project}\n")


def test_in_a_terminal_it_is_run_there(below: Path) -> None:
    with Terminal([*CARRYOVER, "resume", SESSION, "--run"], os.environ) as terminal:
        code, text = terminal.end()

    assert code == ExitCode.OK
    assert text.splitlines()[1:] == [str(below), "--resume", SESSION]
