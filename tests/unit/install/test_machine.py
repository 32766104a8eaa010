from __future__ import annotations

import sys
from pathlib import Path

import pytest

from carryover.adapter.spec import LINUX, MACOS
from carryover.install.machine import Command, Machine, copies
from support.tools import program


def test_what_an_earlier_install_saw_counts_where_the_environment_says_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEX_HOME", "/srv/today")

    machine = Machine.here({"CODEX_HOME": "/srv/then", "CLAUDE_CONFIG_DIR": "/srv/claude"})

    assert (machine.env["CODEX_HOME"], machine.env["CLAUDE_CONFIG_DIR"]) == ("/srv/today", "/srv/claude")
    assert (machine.home, machine.platform, machine.root) == (home, sys.platform, Path("/"))


def machine(home: Path, *path: str | Path, platform: str = LINUX, **env: str) -> Machine:
    """A machine whose system folders are empty."""
    joined = ":".join(map(str, path))
    return Machine(home=home, env={"PATH": joined, **env}, platform=platform, root=home / "system")


def test_path_goes_first_in_its_own_order(home: Path) -> None:
    second, first = program(home / "b" / "tool"), program(home / "a" / "tool")
    beside = program(home / ".local/bin/tool")

    assert copies(("tool",), machine(home, home / "a", home / "b")) == (
        Command(first, True),
        Command(second, True),
        Command(beside, False),
    )


@pytest.mark.parametrize(
    "place",
    [
        ".local/bin",
        ".npm-global/bin",
        ".bun/bin",
        ".volta/bin",
        ".local/share/pnpm",
        ".nvm/versions/node/v22.3.0/bin",
        "system/usr/local/bin",
        "system/opt/homebrew/bin",
    ],
)
def test_a_command_beside_path_is_found_in_the_usual_places(home: Path, place: str) -> None:
    tool = program(home / place / "tool")

    assert copies(("tool",), machine(home)) == (Command(tool, False),)


def test_a_place_of_another_platform_is_not_looked_at(home: Path) -> None:
    tool = program(home / "Library/pnpm/tool")

    assert copies(("tool",), machine(home)) == ()
    assert copies(("tool",), machine(home, platform=MACOS)) == (Command(tool, False),)


def test_variables_move_the_usual_places(home: Path) -> None:
    nvm, npm = program(home / "n/versions/node/v20.0.0/bin/tool"), program(home / "p/bin/tool")

    found = copies(("tool",), machine(home, NVM_DIR=str(home / "n"), NPM_CONFIG_PREFIX="~/p"))

    assert found == (Command(npm, False), Command(nvm, False))


def test_links_to_the_same_file_are_one_copy_and_keep_the_name_they_were_found_by(home: Path) -> None:
    program(home / "versions/2.1.328")
    for link in (home / "a/tool", home / ".local/bin/tool"):
        link.parent.mkdir(parents=True)
        link.symlink_to(home / "versions/2.1.328")

    assert copies(("tool",), machine(home, home / "a")) == (Command(home / "a/tool", True),)


def test_what_can_not_be_run_is_no_command(home: Path) -> None:
    folder = home / "bin"
    (folder / "directory").mkdir(parents=True)
    (folder / "plain").write_text("#!/bin/sh\n")
    (folder / "dangling").symlink_to(home / "gone")
    (folder / "circle").symlink_to(folder / "circle")

    assert copies(("directory", "plain", "dangling", "circle", "missing"), machine(home, folder)) == ()


def test_relative_and_empty_entries_of_path_are_passed_over(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They mean the folder one stands in: a project that was just cloned may hold a `tool`."""
    program(home / "project/tool")
    program(home / "project/bin/tool")
    monkeypatch.chdir(home / "project")

    assert copies(("tool",), machine(home, "", ".", "bin")) == ()
