from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from carryover.actions.context import state_dir
from carryover.agents import specs
from carryover.errors import ExitCode
from support.agent_here import only_this_path
from support.recorded_shop import Run
from support.tools import program

STARTABLE = [spec for spec in specs() if spec.start is not None]
REST = ", then go on with the task it describes. You need not ask whether to continue: the answer is yes."
HANDOFF = ".carryover/handoff.md"
SENTENCE = f"Read {HANDOFF}{REST}"


@pytest.fixture(autouse=True)
def only_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only_this_path(home, monkeypatch)


@pytest.fixture
def claude_here(home: Path) -> Path:
    """A `claude` that writes down its arguments, a line each, and the folder it stands in."""
    return program(home / "bin" / "claude", 'for word in "$PWD" "$@"; do echo "$word"; done')


@pytest.mark.parametrize("spec", STARTABLE, ids=lambda spec: spec.id)
def test_the_command_is_one_line_that_a_shell_runs_in_the_project(shop: Path, home: Path, run: Run, spec) -> None:  # type: ignore[no-untyped-def]
    program(home / "bin" / spec.start.binary, 'for word in "$PWD" "$@"; do echo "$word"; done')

    code, out, err = run("handoff", str(shop), "--to", spec.id)

    assert (code, err) == (ExitCode.OK, "")
    assert out == f"cd {shop} && {spec.start.binary} {shlex.join(spec.start.arguments(SENTENCE, HANDOFF))}\n"
    shown = subprocess.run(["sh", "-c", out], capture_output=True, text=True, check=True, cwd="/").stdout
    assert shown.splitlines() == [str(shop), *spec.start.arguments(SENTENCE, HANDOFF)]


def test_the_handoff_is_put_into_the_project_first(shop: Path, claude_here: Path, run: Run) -> None:
    assert not (shop / ".carryover").exists()

    run("handoff", str(shop), "--to", "claude-code")

    handoff = shop / ".carryover" / "handoff.md"
    assert handoff.read_text().splitlines()[:-2] == run("handoff", str(shop))[1].splitlines()[:-2]  # but for git
    assert handoff.stat().st_mode & 0o777 == 0o600
    assert ".carryover/" in (shop / ".git" / "info" / "exclude").read_text()
    assert str(shop) in (state_dir().root / "projects.jsonl").read_text()  # by which uninstall finds it


def test_a_path_with_blanks_and_quotes_is_quoted_for_the_shell(
    shop: Path, home: Path, claude_here: Path, run: Run
) -> None:
    state_dir().root.mkdir(mode=0o700)
    state_dir().config.write_text(f'[publish]\nfolder = "{home}/it\'s mine"\n')

    code, out, _ = run("handoff", str(shop), "--to", "claude-code")

    shown = subprocess.run(["sh", "-c", out], capture_output=True, text=True, check=True, cwd="/").stdout.splitlines()
    path = Path(shown[1].removeprefix("Read ").removesuffix(REST))
    assert (code, shown[0], path.parent.parent) == (ExitCode.OK, str(shop), home / "it's mine")
    assert path.read_text().startswith("# [CARRYOVER]")
    assert not (shop / ".carryover").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--to", "claude-code"], ExitCode.NOTHING_FOUND, "no `claude` command"),
        (["--to", "windsurf"], ExitCode.REFUSED, "can't start Windsurf with a first prompt"),
    ],
)
def test_an_agent_that_cannot_be_started_is_reported_with_the_way_out(
    shop: Path, run: Run, arguments: list[str], code: ExitCode, words: str
) -> None:
    assert run("handoff", str(shop), *arguments)[:2] == (code, "")
    err = run("handoff", str(shop), *arguments)[2]

    assert words in err
    assert "`carryover handoff --copy` puts the handoff on the clipboard" in err
    assert not (shop / ".carryover").exists()


def test_an_excluded_project_is_not_handed_over_in_any_way(shop: Path, claude_here: Path, run: Run) -> None:
    (shop / ".carryover.toml").write_text("exclude = true\n")

    for arguments in (["--to", "claude-code"], ["--copy"]):
        code, out, err = run("handoff", str(shop), *arguments)

        assert (code, out) == (ExitCode.REFUSED, "")
        assert "excluded by" in err


def test_the_handoff_goes_to_the_clipboard_and_into_no_file(
    shop: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(home / "bin" / "xclip", f"cat > '{home}/taken'")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    text = run("handoff", str(shop))[1]

    alone, named = run("handoff", str(shop), "--copy"), run("handoff", str(shop), "--to", "windsurf", "--copy")

    said = f"The handoff of {shop} is on the clipboard (xclip). Paste it as the first prompt of"
    assert alone == (ExitCode.OK, f"{said} the next agent.\n", "")
    assert named == (ExitCode.OK, f"{said} Windsurf.\n", "")
    assert (home / "taken").read_text() == text
    assert not (shop / ".carryover").exists()
    assert os.path.lexists(state_dir().root) is False
