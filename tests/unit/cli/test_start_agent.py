from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from carryover.actions.context import state_dir
from carryover.actions.start_agent import startable_agent
from carryover.agents import specs
from carryover.config import Config
from carryover.errors import ExitCode, UserError
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


def test_a_command_beside_path_is_named_whole(shop: Path, home: Path, run: Run) -> None:
    program(home / ".local" / "bin" / "claude")

    assert run("handoff", str(shop), "--to", "claude-code")[1].startswith(f"cd {shop} && {home}/.local/bin/claude ")


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


def test_where_no_handoff_may_be_put_it_says_why(shop: Path, claude_here: Path, run: Run) -> None:
    (shop / ".carryover").mkdir()
    (shop / ".carryover" / "handoff.md").write_text("theirs")
    subprocess.run(["git", "add", "-f", ".carryover"], cwd=shop, check=True)

    code, out, err = run("handoff", str(shop), "--to", "claude-code")

    assert (code, out) == (ExitCode.REFUSED, "")
    assert "tracked by git" in err and "--copy" in err
    assert (shop / ".carryover" / "handoff.md").read_text() == "theirs"


def test_a_pause_holds_for_it_as_well(shop: Path, claude_here: Path, run: Run) -> None:
    assert run("pause")[0] == ExitCode.OK

    code, out, err = run("handoff", str(shop), "--to", "claude-code")

    assert (code, out) == (ExitCode.REFUSED, "")
    assert "Carryover is paused" in err and "`carryover unpause`" in err
    assert not (shop / ".carryover").exists()


def test_an_excluded_project_is_not_handed_over_in_any_way(shop: Path, claude_here: Path, run: Run) -> None:
    (shop / ".carryover.toml").write_text("exclude = true\n")

    for arguments in (["--to", "claude-code"], ["--copy"]):
        code, out, err = run("handoff", str(shop), *arguments)

        assert (code, out) == (ExitCode.REFUSED, "")
        assert "excluded by" in err


def test_without_a_terminal_no_agent_is_started(shop: Path, claude_here: Path, run: Run) -> None:
    code, out, err = run("handoff", str(shop), "--to", "claude-code", "--exec")

    assert (code, out) == (ExitCode.REFUSED, "")
    assert "--exec starts Claude Code in this terminal, but there is no terminal here" in err
    assert not (shop / ".carryover").exists()


def test_the_folders_that_install_wrote_down_are_looked_in(home: Path) -> None:
    moved = program(home / "elsewhere" / "local" / "claude")
    from carryover.config import AgentConfig, AgentsConfig

    tools = AgentsConfig(each={"claude-code": AgentConfig(env={"CLAUDE_CONFIG_DIR": str(home / "elsewhere")})})

    assert startable_agent("claude-code", Config(agents=tools)).command.path == moved
    with pytest.raises(UserError):
        startable_agent("claude-code", Config())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--to", "nobody"],
        ["--exec"],
        ["--to", "claude-code", "--exec", "--copy"],
        ["--to", "claude-code", "--json"],
        ["--copy", "--json"],
        ["--copy", "--transcript", "a.jsonl"],
        ["--to", "claude-code", "--transcript", "a.jsonl"],
        ["--to", "claude-code", "--until", "3"],
    ],
    ids=" ".join,
)
def test_arguments_that_do_not_go_together_are_a_usage_error(arguments: list[str], run: Run) -> None:
    code, out, err = run("handoff", *arguments)

    assert (code, out) == (ExitCode.USAGE, "")
    assert err


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
