"""Whether a shell finds this installation's command, and what to do where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.install.how_installed import HowInstalled, Kind, OnPath, on_path, on_path_here, runnable
from support.tools import versioned


def how(kind: Kind) -> HowInstalled:
    return HowInstalled(kind=kind, update="uv tool install carryoverd" if kind == "uvx" else "")


@pytest.fixture
def own(home: Path) -> Path:
    return versioned(home / "venv" / "bin" / "carryover", "1")


def test_its_folder_or_a_link_to_it_is_enough(home: Path, own: Path) -> None:
    (home / "bin").mkdir()
    (home / "bin" / "carryover").symlink_to(own)

    assert on_path({"PATH": str(own.parent)}, how("venv"), own) == OnPath()
    assert on_path({"PATH": f"/nowhere:{home}/bin"}, how("pipx"), own) == OnPath()


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("pipx", "Run `pipx ensurepath`, then open a new shell."),
        ("uv tool", "Run `uv tool update-shell`, then open a new shell."),
        ("uvx", "Run `uv tool install carryoverd`, then open a new shell."),
        ("venv", 'Add `export PATH="{folder}:$PATH"` to your shell\'s profile, then open a new shell.'),
    ],
)
def test_each_way_of_installing_has_its_remedy(home: Path, own: Path, kind: Kind, remedy: str) -> None:
    found = on_path({"PATH": "/nowhere"}, how(kind), own)

    assert found.problem == "`carryover` is not on the PATH of this shell."
    assert found.remedy == remedy.format(folder=own.parent)
    assert found.command == str(own)


def test_another_installation_that_comes_first_is_named(home: Path, own: Path) -> None:
    other = versioned(home / "other" / "carryover", "0")

    found = on_path({"PATH": f"{other.parent}:{own.parent}"}, how("venv"), own)

    assert found.problem == f"`carryover` is another installation here: {other}."


def test_hints_name_a_command_that_works_here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    on_path_here.cache_clear()
    command = on_path_here().command

    assert Path(command).is_absolute()
    assert runnable("Run `carryover refresh`; carryover is fine.") == f"Run `{command} refresh`; carryover is fine."
    assert runnable("Start it: `carryoverd`.") == f"Start it: `{command}d`."
    on_path_here.cache_clear()
