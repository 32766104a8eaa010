from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from carryover.actions import clipboard
from carryover.actions.clipboard import WAYS, by_terminal, copy
from carryover.errors import ExitCode, UserError
from carryover.install.machine import Machine
from support.tools import program

TEXT = "# [CARRYOVER] Läden → 今日\n- a line\n"
DISPLAYS = {"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """The only folder on PATH. `cat` is found by its full path."""
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def machine(tools: Path, **env: str) -> Machine:
    return Machine(home=tools.parent, env={"PATH": str(tools), **env}, root=tools.parent)


def taker(tools: Path, name: str) -> Path:
    """A program that keeps what it was given, and with which arguments."""
    taken = tools.parent / f"{name}.taken"
    program(tools / name, f"/bin/cat > '{taken}'", f"echo \"$@\" > '{taken}.args'")
    return taken


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_program_gets_the_text_on_its_input_and_never_as_an_argument(way: clipboard.Way, tools: Path) -> None:
    taken = taker(tools, way.name)

    assert copy(TEXT, machine(tools, **DISPLAYS)) == way.name
    assert taken.read_bytes().decode(way.encoding) == TEXT
    assert taken.with_name(f"{taken.name}.args").read_text().split() == list(way.arguments)


def test_where_one_fails_the_next_is_asked(tools: Path) -> None:
    program(tools / "wl-copy", "exit 1")
    program(tools / "xclip").write_bytes(b"not a program at all")
    taken = taker(tools, "xsel")

    assert copy(TEXT, machine(tools, **DISPLAYS)) == "xsel"
    assert taken.read_text() == TEXT


def test_one_that_hangs_is_ended(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clipboard, "LIMIT_S", 0.2)
    program(tools / "wl-copy", "exec /bin/sleep 600")
    taker(tools, "xclip")

    assert copy(TEXT, machine(tools, **DISPLAYS)) == "xclip"


def test_a_program_in_the_folder_one_happens_to_stand_in_is_not_run(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taker(tmp_path / "repo", "pbcopy")
    monkeypatch.chdir(tmp_path / "repo")

    with pytest.raises(UserError):
        copy(TEXT, Machine(home=tmp_path, env={"PATH": os.pathsep.join(["", ".", str(tools)])}, root=tmp_path))


def test_without_any_of_them_and_without_a_terminal_it_says_what_to_do(tools: Path) -> None:
    with pytest.raises(UserError, match="Install one of them, or copy what `carryover handoff` prints") as raised:
        copy(TEXT, machine(tools, **DISPLAYS))

    assert raised.value.code == ExitCode.FAILED


def test_a_terminal_is_handed_the_text_by_an_escape_sequence(
    tools: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)

    assert copy(TEXT, machine(tools)) == "the terminal, if it takes OSC 52"
    assert capsys.readouterr().out == by_terminal(TEXT)
    head, _, rest = by_terminal(TEXT).rpartition(";")
    assert (head, rest[-1]) == ("\x1b]52;c", "\x07")
    assert base64.b64decode(rest[:-1]).decode() == TEXT
