from __future__ import annotations

import os
import subprocess
from pathlib import Path
from unittest.mock import Mock

import pytest

from carryover.faces.page import commands
from carryover.faces.page.answers import CommandAnswer, CommandBody
from carryover.faces.page.commands import CARRYOVER, answer_command, command_words, open_terminal
from carryover.platform import LINUX, MACOS
from support.daemon_process import wait_until
from support.platforms import on
from support.tools import program


@pytest.mark.parametrize(
    ("session", "named"),
    [("3f2a-11", "3f2a-11"), ("last", "codex:last"), ("--all", "codex:--all"), ("a b; rm", "codex:a b; rm")],
)
def test_what_is_typed_is_never_an_option_or_another_session(session: str, named: str) -> None:
    forget = CommandBody(command="forget", project=1, agent="codex", session=session)
    note = CommandBody(command="note", project=1, agent=session, text="--json")

    to = CommandBody(command="to", project=1, agent="claude-code", session=session, session_agent="codex")
    handoff = CommandBody(command="handoff", project=1, session=session, session_agent="codex")

    assert command_words(forget, "/srv/shop") == ("forget", named, "--yes")
    assert command_words(to, "/srv/shop") == ("to", "claude-code", "/srv/shop", "--session", named)
    assert command_words(handoff, "/srv/shop") == ("handoff", "/srv/shop", "--raw", "--session", named)
    assert command_words(note, "/srv/shop") == ("note", "--project", "/srv/shop", f"--from={session}")


async def test_no_module_of_a_stranger_is_run(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python would take modules from the working folder first."""
    planted = tmp_path / "carryover" / "cli"
    planted.mkdir(parents=True)
    for name in ("__init__.py", "cli/__init__.py", "cli/main.py"):
        (tmp_path / "carryover" / name).write_text("print('planted')")
    monkeypatch.chdir(tmp_path)

    code, printed = await commands.run(("version",), os.environ)

    assert (code, b"planted" in printed, printed.startswith(b"carryover ")) == (0, False, True)


async def test_a_command_that_does_not_end_is_ended(home: Path) -> None:
    done = await answer_command(CommandBody(command="pause", project=1), "/srv/shop", os.environ, home, limit_s=0.001)

    assert (done.ok, done.output[:41]) == (False, "The command has not ended within 0.001 s.")


@pytest.mark.linux("for a desktop's terminals")
async def test_continuing_opens_a_terminal_window_with_the_command(home: Path) -> None:
    opened = home / "opened"
    program(home / "bin" / "x-terminal-emulator", f'printf "%s\\n" "$@" > {opened}.part; mv {opened}.part {opened}')
    env = {"DISPLAY": ":7", "PATH": f"{home}/bin:/usr/bin:/bin"}

    done = await answer_command(CommandBody(command="to", project=1, agent="codex"), "/srv/my shop", env, home)

    line = "cd '/srv/my shop' && carryover to codex"
    assert done == CommandAnswer(argv=("carryover", "to", "codex", "/srv/my shop"), ok=True, output="", line=line)
    wait_until("the window", opened.exists)
    assert opened.read_text().splitlines() == ["-e", *CARRYOVER, "to", "codex", "/srv/my shop"]


async def test_the_line_that_continues_one_session_names_it(home: Path) -> None:
    asked = CommandBody(command="to", project=1, agent="codex", session="a b", session_agent="pi", preview=True)

    done = await answer_command(asked, "/srv/shop", {}, home)

    assert done.line == "cd /srv/shop && carryover to codex --session 'pi:a b'"


async def test_the_window_of_a_service_is_opened_outside_of_it(home: Path) -> None:
    """The agent in it must not be confined, bounded or stopped together with carryoverd."""
    opened = home / "opened"
    program(home / "bin" / "x-terminal-emulator", "exit 1")
    program(home / "bin" / "systemd-run", f'printf "%s\\n" "$@" > {opened}.part; mv {opened}.part {opened}')
    path = f"{home}/bin:/usr/bin:/bin"
    env = {"DISPLAY": ":7", "PATH": path, "INVOCATION_ID": "1", "SECRET": "x", "CARRYOVER_HOME": "/state"}

    with on(LINUX):
        assert open_terminal(("carryover", "to", "codex"), env, home)
    wait_until("the window", opened.exists)
    assert opened.read_text().splitlines() == [
        *("--user", "--quiet", "--collect", f"--setenv=PATH={path}", "--setenv=DISPLAY=:7"),
        *("--setenv=CARRYOVER_HOME=/state", "--", f"{home}/bin/x-terminal-emulator", "-e", "carryover", "to", "codex"),
    ]


@pytest.mark.linux("for a desktop's terminals")
@pytest.mark.parametrize("env", [{"PATH": "/usr/bin"}, {"DISPLAY": ":0", "PATH": "relative"}])
async def test_without_a_window_the_command_is_there_to_copy(home: Path, env: dict[str, str]) -> None:
    done = await answer_command(CommandBody(command="to", project=1, agent="codex"), "/srv/shop", env, home)

    assert (done.ok, done.was_run, done.line) == (False, False, "cd /srv/shop && carryover to codex")
    assert done.output == "No terminal window could be opened. Copy the command and run it in a terminal."


def test_the_terminal_of_a_mac_gets_a_script_that_removes_itself(home: Path) -> None:
    """No Mac was at hand: the script is run as Terminal would run it."""
    started = Mock(return_value=True)

    with on(MACOS):
        assert open_terminal(("/bin/echo", "a b"), {}, home, start=started)
    script = home / "continue.command"
    started.assert_called_once_with(("/usr/bin/open", "-a", "Terminal", str(script)), {})
    assert script.stat().st_mode & 0o777 == 0o700
    assert subprocess.run([script], capture_output=True, text=True, check=True).stdout == "a b\n"
    assert not script.exists()
