from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from carryover import __version__
from carryover.cli.arguments import MEANING
from carryover.cli.main import COMMANDS, build_parser, main
from carryover.errors import ExitCode

SLOW_TO_IMPORT = ("aiohttp", "aiosqlite", "asyncio", "git", "questionary", "tree_sitter", "watchfiles")


def carryover(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "carryover.cli.main", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_version_is_printed_on_stdout() -> None:
    answer = carryover("--version")

    assert (answer.returncode, answer.stdout, answer.stderr) == (0, f"carryover {__version__}\n", "")


def test_without_a_command_the_help_is_shown_and_nothing_is_data() -> None:
    answer = carryover()

    assert (answer.returncode, answer.stdout) == (ExitCode.USAGE, "")
    assert "examples:" in answer.stderr


@pytest.mark.parametrize("arguments", [["unheard-of"], ["--unheard-of"], ["status", "--unheard-of"], ["stat"]])
def test_wrong_arguments_are_a_usage_error_on_stderr(arguments: list[str]) -> None:
    answer = carryover(*arguments)

    assert (answer.returncode, answer.stdout) == (ExitCode.USAGE, "")
    assert "usage: carryover" in answer.stderr


def test_the_top_level_help_names_every_command_and_every_exit_code() -> None:
    text = build_parser(None).format_help()

    assert [name for name in COMMANDS if f"\n    {name} " not in text] == []
    assert [code for code in ExitCode if f"  {code:<4} {MEANING[code]}\n" not in text] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_teaches_its_options_an_example_and_its_exit_codes(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([command, "--help"])

    text = capsys.readouterr().out
    assert code == ExitCode.OK
    assert f"usage: carryover {command}" in text
    assert "options:" in text
    assert "examples:" in text
    assert f"  0    {MEANING[ExitCode.OK]}\n" in text
    assert all(line.strip() for line in text.partition("options:")[2].splitlines()[1:3])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_says_what_it_does(command: str) -> None:
    parser = build_parser(command)
    chosen = parser._subparsers._group_actions[0].choices[command]  # type: ignore[union-attr,index]

    assert [action.dest for action in chosen._actions if not action.help] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["status"],
        ["status", "--json"],
        ["sessions", "--all"],
        ["sessions", "/"],
        ["show", "c0de0000-0000-4000-8000-000000000012"],
    ],
    ids=" ".join,
)
def test_what_is_often_called_imports_nothing_slow(recorded: Path, arguments: list[str]) -> None:
    """Start-up is most of what these commands cost: the daemon's dependencies would multiply it."""
    script = (
        "import sys; from carryover.cli.main import main; main(sys.argv[1:]); "
        f"print('imported:', *[name for name in {SLOW_TO_IMPORT!r} if name in sys.modules])"
    )

    answer = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60, check=True
    )

    assert answer.stdout.splitlines()[-1] == "imported:"


def test_a_message_for_the_user_goes_to_stderr_without_a_traceback(home: Path) -> None:
    answer = carryover("show", "3f2a")

    assert (answer.returncode, answer.stdout) == (ExitCode.NOTHING_FOUND, "")
    assert answer.stderr.startswith("carryover: ")
    assert "Traceback" not in answer.stderr


def test_a_reader_that_goes_away_early_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)

    answer = subprocess.run(
        [sys.executable, "-m", "carryover.cli.main", "--help"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(writer)

    assert (answer.returncode, answer.stderr) == (ExitCode.OK, "")


def test_what_the_terminal_cannot_show_is_replaced(recorded: Path) -> None:
    """A project in a folder whose name is not ASCII, on a terminal that knows only ASCII."""
    project = recorded.rename(recorded.with_name("läden"))
    answer = subprocess.run(
        [sys.executable, "-m", "carryover.cli.main", "sessions", str(project)],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert answer.returncode == ExitCode.NOTHING_FOUND
    assert "/l?den" in answer.stderr


def test_ctrl_c_ends_with_130_and_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("carryover.cli.main.build_parser", interrupted)

    assert (main(["status"]), capsys.readouterr()) == (ExitCode.INTERRUPTED, ("", "carryover: interrupted\n"))
