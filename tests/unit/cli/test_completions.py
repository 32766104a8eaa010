from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from carryover.cli.completions import SHELLS
from carryover.cli.main import COMMANDS
from carryover.errors import ExitCode
from support.recorded_shop import CHECKOUT, Run

BASH = """
carryover() { "$PYTHON" -m carryover.cli.main "$@"; }
eval "$(carryover completions bash)"
while IFS= read -r COMP_LINE; do
  COMP_POINT=${#COMP_LINE} COMPREPLY=()
  _python_argcomplete carryover 2> /dev/null
  printf "%s;" "${COMPREPLY[@]}"; echo
done
"""


def completed_by_bash(*lines: str) -> list[list[str]]:
    ran = subprocess.run(
        ["bash", "-c", BASH],
        input="\n".join(lines) + "\n",
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stderr == ""
    return [[word.strip() for word in line.split(";") if word] for line in ran.stdout.split("\n")[:-1]]


def test_bash_completes_commands_options_and_values(recorded: Path) -> None:
    short = CHECKOUT[:-1]
    lines = {
        "carryover ": [word for name in COMMANDS for word in (name, *(["ls"] if name == "sessions" else []))],
        "carryover ses": ["sessions"],
        "carryover sessions --ag": ["--agent"],
        "carryover sessions --agent cod": ["codex"],
        "carryover sessions --agent=cod": ["codex"],
        "carryover install --agents codex,gem": ["codex,gemini-cli"],
        "carryover logs --level w": ["warning"],
        "carryover show la": ["last"],
        "carryover forget la": ["last"],
        "carryover ls --ag": ["--agent"],
        "carryover to cod": ["codex"],
        "carryover help han": ["handoff"],
        f"carryover show {short}": [short],
        f"carryover show {short.upper()}": [short],
        f"carryover sessions {recorded}": [f"{recorded}/"],
    }

    assert dict(zip(lines, completed_by_bash(*lines), strict=True)) == lines


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_each_shell_is_one_that_it_can_read(shell: str, run: Run) -> None:
    code, out, err = run("completions", shell)

    assert (code, err, "carryover" in out) == (ExitCode.OK, "", True)
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"this system has no {shell}")
    subprocess.run([program, "-n"], input=out, text=True, timeout=60, check=True)


@pytest.mark.skipif(shutil.which("fish") is None, reason="this system has no fish")
def test_fish_completes_commands_and_values(run: Run) -> None:
    script = run("completions", "fish")[1] + "complete -C 'carryover ses'; complete -C 'carryover logs --level w'"
    ran = subprocess.run(["fish", "-c", script], capture_output=True, text=True, timeout=60, check=True)

    assert [line.split("\t")[0] for line in ran.stdout.splitlines()] == ["sessions", "warning"]


def test_without_a_shell_it_says_which_there_are(run: Run) -> None:
    assert run("completions") == (ExitCode.USAGE, "", "carryover: Name the shell: bash, zsh, fish.\n")


@pytest.mark.parametrize("line", ["carryover show ", "carryover note --title x"])
def test_at_a_tab_there_are_values_or_nothing_but_never_a_message(line: str, home: Path) -> None:
    """Nothing is recorded here."""
    ran = asked(line, "bash")

    assert (ran.stdout, ran.stderr) == ("", "")


def test_a_session_is_offered_with_what_it_is(recorded: Path) -> None:
    assert (
        f"{CHECKOUT[:-1]}\tClaude Code, just now, Wire discount into checkout"
        in asked("carryover show c", "fish").stdout
    )


def asked(line: str, shell: str) -> subprocess.CompletedProcess[str]:
    env = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_SHELL": shell, "_ARGCOMPLETE_DFS": "\t", "COMP_LINE": line}
    command = f'"{sys.executable}" -m carryover.cli.main 8>&1 9>&2'
    env |= {"COMP_POINT": str(len(line)), "_ARGCOMPLETE_IFS": "\n"}
    return subprocess.run(["sh", "-c", command], env={**os.environ, **env}, capture_output=True, text=True, timeout=60)
