"""A folder whose name holds line feeds, escape sequences or bytes that are no text: no command prints a line that is
not its own, and none ends with a traceback."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from carryover.errors import ExitCode
from carryover.faces.cli.carryoverd import main as carryoverd
from carryover.faces.cli.main import main
from carryover.fsio import private_dir
from carryover.past.context import state_dir
from carryover.past.without_daemon import catch_up
from support.agent_here import only_this_path
from support.claude_session import ClaudeSession
from support.recorded_shop import DISCOUNT, Run
from support.repository import git, repository
from support.tools import program

SESSION = "0abc0000-0000-4000-8000-000000000000"
NAME = "shop\nFORGED\r\x1b[2J\u202e\u2028\x85\x9b31m end"
COMMANDS = (
    *("status", "doctor", "sessions --all", "sessions {root}", "search login --all"),
    *("search nothingatall --project {root}", "log {root}", "log {root} --agent codex", "why {root}/a.py"),
    *("why {root}/missing.py", f"show {SESSION}", f"resume {SESSION}", "handoff {root}", "handoff {root} --to codex"),
    *("handoff {root} --copy", "handoff {root}x", "handoff --transcript {root}/a.py", "export {root}"),
    *("export {root} -o {root}/out.md", "export {root}x", f"export --session {SESSION}"),
    *("forget --project {root} --dry-run", f"forget {SESSION} --dry-run", "import {root}", "import {root}/a.py"),
    *("import {root}/none", "link {root} {root}x", "link --undo {root}", "link {root} .", "pause {root}"),
    *("unpause {root}", "refresh --dry-run", "install --dry-run", "uninstall --dry-run", "config"),
)


@pytest.fixture
def root(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    agents_here(home, monkeypatch)
    program(home / "bin" / "pbcopy", "/bin/cat > /dev/null")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    made = repository(home / NAME, {"a.py": "1\n"})
    session = ClaudeSession(home / ".claude" / "projects", made, session=SESSION)
    session.prompt("Add a login page to the web shop.")
    private_dir(state_dir().root)
    catch_up(str(made))
    return made


def test_a_folders_name_forges_no_line_and_reaches_no_terminal(root: Path, run: Run) -> None:
    for command in COMMANDS:
        _, out, err = run(*(part.format(root=root) for part in command.split()))
        lines = (out + err).split("\n")
        assert lines != [""], command
        assert [line for line in lines if line.startswith("FORGED")] == [], command
        assert [line for line in lines if not line.replace("\t", "").isprintable()] == [], command


@pytest.mark.parametrize("variable", ["HOME", "CARRYOVER_HOME"])
@pytest.mark.parametrize("command", ["", "status", "handoff", "install --yes"])
def test_a_home_that_is_not_utf8_is_refused_in_one_line(
    command: str, variable: str, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home / "h\udcff"
    folder.mkdir()
    monkeypatch.setenv(variable, str(folder))

    assert (main(command.split()) if command else carryoverd(["--once"])) == ExitCode.REFUSED

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

    err = run.err(ExitCode.REFUSED, *command.split())

    assert f"The folder, {folder.parent}/p\\udcff, is not UTF-8, so it can't be recorded." in err


IN_REPOSITORY = (
    *("export {shop}", f"export --session {DISCOUNT} --full", "handoff {shop}"),
    *("handoff {shop} --to codex", "handoff {shop} --json", "log {shop}", "why {shop}/cart.py"),
    *("search discount --project {shop}", "sessions {shop}", f"show {DISCOUNT}", f"resume {DISCOUNT}", "status"),
    "doctor",
)
PROGRAMS = ("core.fsmonitor", "core.pager", "core.sshCommand", "diff.external", "gpg.program")
SETTINGS_BY_NAME = ("diff.{}.command", "diff.{}.textconv", "filter.{}.clean", "filter.{}.process", "filter.{}.smudge")


def agents_here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only_this_path(home, monkeypatch)
    for name in ("claude", "codex"):
        program(home / "bin" / name, "exit 0")


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """The file that each program of the hostile repository makes."""
    return tmp_path / "it ran"


@pytest.fixture
def hostile(recorded: Path, home: Path, tmp_path: Path, mark: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The recorded project, with a submodule; the configuration of both names programs, and files of both changed."""
    agents_here(home, monkeypatch)
    evil = program(tmp_path / "evil", f"touch '{mark}'; cat")
    part = repository(tmp_path / "part", {"p.py": "1\n", ".gitattributes": "* filter=worse diff=worse\n"})
    git(recorded, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(part), "part")
    (recorded / ".gitattributes").write_text("*.py filter=evil diff=evil\n")
    git(recorded, "add", "--all")
    git(recorded, "commit", "--quiet", "--message", "a part")
    for folder, name in ((recorded, "evil"), (recorded / "part", "worse")):
        for setting in (*PROGRAMS, *(each.format(name) for each in SETTINGS_BY_NAME)):
            git(folder, "config", setting, str(evil))
        git(folder, "config", "log.showSignature", "true")
        git(folder, "config", "diff.submodule", "diff")
        git(folder, "config", "submodule.recurse", "true")
    for file in (recorded / "cart.py", recorded / "part" / "p.py"):
        file.write_text("changed = True\n")
        os.utime(file, (1, 1))
    mark.unlink(missing_ok=True)  # planting may have run it
    return recorded


def test_no_command_runs_a_program_that_a_repository_or_its_submodule_names(
    hostile: Path, mark: Path, run: Run
) -> None:
    for command in IN_REPOSITORY:
        code, _, err = run(*command.format(shop=hostile).split())

        # doctor finds that nothing is installed here.
        expected = ExitCode.FAILED if command == "doctor" else ExitCode.OK
        assert (code, mark.exists()) == (expected, False), (command, err)


def test_the_history_of_lines_and_commits_runs_no_program_either(
    hostile: Path, mark: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(hostile)
    (hostile / "cart.py").write_text(git(hostile, "cat-file", "blob", "HEAD:cart.py"))
    mark.unlink(missing_ok=True)

    line = json.loads(run("why", "cart.py:1", "--json")[1])
    _, out, _ = run("why", "HEAD")

    assert line["commit"] is not None
    assert git(hostile, "rev-parse", "--short=8", "HEAD").strip() in out
    assert not mark.exists()


@pytest.mark.parametrize("command", ["handoff", "log"])
def test_no_command_waits_long_for_a_configuration_that_nobody_writes(
    command: str, recorded: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git opens a pipe that `include.path` names, and waits for a writer."""
    agents_here(home, monkeypatch)
    git(recorded, "config", "include.path", "more")
    os.mkfifo(recorded / ".git" / "more")
    began = time.monotonic()

    run(command, str(recorded))

    assert time.monotonic() - began < 10
