from __future__ import annotations

from pathlib import Path

from carryover.agents import specs
from carryover.install.machine import Machine, start_command, startable_here
from support.tools import program

NAMED = {spec.id: spec for spec in specs()}


def machine(home: Path) -> Machine:
    return Machine(home=home, env={"PATH": str(home / "bin")}, root=home / "system")


def test_only_what_is_here_and_selected_is_offered(home: Path) -> None:
    for command in ("claude", "codex"):
        program(home / "bin" / command, "exit 0")

    assert startable_here(None, machine(home)) == ("claude-code", "codex")
    assert startable_here(("codex", "cursor"), machine(home)) == ("codex",)


def test_the_command_is_found_where_a_shell_finds_it(home: Path) -> None:
    claude = program(home / "bin/claude", "exit 0")

    found = start_command(NAMED["claude-code"], machine(home))

    assert found is not None
    assert (found.path, found.on_path) == (claude, True)
    assert start_command(NAMED["codex"], machine(home)) is None
    assert start_command(NAMED["windsurf"], machine(home)) is None
