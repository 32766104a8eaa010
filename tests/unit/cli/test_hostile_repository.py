"""A repository whose own files name programs, and pipes that nobody writes to: no command runs or waits for any."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from carryover.errors import ExitCode
from support.agent_here import only_this_path
from support.recorded_shop import DISCOUNT, Run
from support.repository import git, repository
from support.tools import program

COMMANDS = (
    ("export", "{shop}"),
    ("export", "--session", DISCOUNT, "--format", "html", "--full"),
    ("handoff", "{shop}"),
    ("handoff", "{shop}", "--to", "codex"),
    ("handoff", "{shop}", "--json"),
    ("log", "{shop}"),
    ("why", "{shop}/cart.py"),
    ("search", "discount", "--project", "{shop}"),
    ("sessions", "{shop}"),
    ("show", DISCOUNT),
    ("resume", DISCOUNT),
    ("status",),
    ("doctor",),
)
SETTINGS = ("core.fsmonitor", "core.pager", "core.sshCommand", "diff.external", "gpg.program")
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
        for setting in (*SETTINGS, *(each.format(name) for each in SETTINGS_BY_NAME)):
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
    for command in COMMANDS:
        code, _, err = run(*(part.format(shop=hostile) for part in command))

        # doctor finds that nothing is installed here.
        expected = ExitCode.FAILED if command == ("doctor",) else ExitCode.OK
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


@pytest.mark.parametrize("command", [("handoff", "{shop}"), ("export", "{shop}"), ("log", "{shop}")], ids=str)
def test_no_command_waits_long_for_a_configuration_that_nobody_writes(
    command: tuple[str, ...], recorded: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git opens a pipe that `include.path` names, and waits for a writer."""
    agents_here(home, monkeypatch)
    git(recorded, "config", "include.path", "more")
    os.mkfifo(recorded / ".git" / "more")
    began = time.monotonic()

    run(*(part.format(shop=recorded) for part in command))

    assert time.monotonic() - began < 10
