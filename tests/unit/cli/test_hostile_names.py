"""A folder whose name holds line feeds, escape sequences or bytes that are no text: no command prints a line that is
not its own, and none ends with a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.actions.context import state_dir
from carryover.actions.from_disk import catch_up
from carryover.cli.main import main
from carryover.daemon.main import main as carryoverd
from carryover.errors import ExitCode
from carryover.fsio import private_dir
from support.agent_here import only_this_path
from support.claude_session import ClaudeSession
from support.recorded_shop import Run
from support.repository import repository
from support.tools import program

SESSION = "0abc0000-0000-4000-8000-000000000000"
NAME = "shop\nFORGED\r\x1b[2J\u202e\u2028\x85\x9b31m end"
COMMANDS = (
    ("status",),
    ("doctor",),
    ("sessions", "--all"),
    ("sessions", "{root}"),
    ("search", "login", "--all"),
    ("search", "nothingatall", "--project", "{root}"),
    ("log", "{root}"),
    ("log", "{root}", "--agent", "codex"),
    ("why", "{root}/a.py"),
    ("why", "{root}/missing.py"),
    ("show", SESSION),
    ("resume", SESSION),
    ("handoff", "{root}"),
    ("handoff", "{root}", "--to", "codex"),
    ("handoff", "{root}", "--copy"),
    ("handoff", "{root}x"),
    ("handoff", "--transcript", "{root}/a.py"),
    ("export", "{root}"),
    ("export", "{root}", "-o", "{root}/out.md"),
    ("export", "{root}x"),
    ("export", "--session", SESSION),
    ("forget", "--project", "{root}", "--dry-run"),
    ("forget", "--session", SESSION, "--dry-run"),
    ("import", "{root}"),
    ("import", "{root}/a.py"),
    ("import", "{root}/none"),
    ("link", "{root}", "{root}x"),
    ("link", "--undo", "{root}"),
    ("link", "{root}", "."),
    ("pause", "{root}"),
    ("unpause", "{root}"),
    ("refresh", "--dry-run"),
    ("install", "--dry-run"),
    ("uninstall", "--dry-run"),
    ("config",),
)


@pytest.fixture
def root(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    only_this_path(home, monkeypatch)
    program(home / "bin" / "claude", "exit 0")
    program(home / "bin" / "codex", "exit 0")
    program(home / "bin" / "pbcopy", "/bin/cat > /dev/null")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    made = repository(home / NAME, {"a.py": "1\n"})
    session = ClaudeSession(home / ".claude" / "projects", made, session=SESSION)
    session.prompt("Add a login page to the web shop.")
    private_dir(state_dir().root)
    catch_up(state_dir(), str(made))
    return made


def test_a_folders_name_forges_no_line_and_reaches_no_terminal(root: Path, run: Run) -> None:
    for command in COMMANDS:
        _, out, err = run(*(part.format(root=root) for part in command))
        lines = (out + err).split("\n")
        assert lines != [""], command
        assert [line for line in lines if line.startswith("FORGED")] == [], command
        assert [line for line in lines if not line.replace("\t", "").isprintable()] == [], command


@pytest.mark.parametrize("variable", ["HOME", "CARRYOVER_HOME"])
@pytest.mark.parametrize(
    "command",
    [(), ("status",), ("handoff",), ("install", "--yes")],
    ids=str,
)
def test_a_home_that_is_not_utf8_is_refused_in_one_line(
    command: tuple[str, ...],
    variable: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = home / "h\udcff"
    folder.mkdir()
    monkeypatch.setenv(variable, str(folder))

    code = main(command) if command else carryoverd(["--once"])

    assert code == ExitCode.REFUSED
    err = capsys.readouterr().err
    assert f"The folder that {variable} names, {home}/h\\udcff, is not UTF-8" in err
    assert (err.count("\n"), list(folder.iterdir())) == (1, [])


@pytest.mark.parametrize("command", ["handoff", "why a", "pause ."])
def test_a_project_that_is_not_utf8_is_refused_in_one_line(
    command: str, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / "p\udcff"
    folder.mkdir()
    monkeypatch.chdir(folder)

    code, out, err = run(*command.split())

    assert (code, out) == (ExitCode.REFUSED, "")
    assert f"The folder, {folder.parent}/p\\udcff, is not UTF-8, so it can't be recorded." in err
