"""The documents name what there is: commands, options, exit codes, settings, folders."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import msgspec
import pytest

from carryover.agents import specs
from carryover.cli.main import COMMANDS, build_parser
from carryover.config import Config
from carryover.errors import ExitCode
from carryover.publish.web_chat import GENERIC, web_chats
from contract.table import with_tables

TOP = Path(__file__).parents[2]
README = (TOP / "README.md").read_text(encoding="utf-8")
SECURITY = (TOP / "SECURITY.md").read_text(encoding="utf-8")
ARCHITECTURE = (TOP / "ARCHITECTURE.md").read_text(encoding="utf-8")


def options(command: str) -> list[str]:
    """The long options of a command, but for those that several share and for former names."""
    subparsers = next(a for a in build_parser(command)._actions if isinstance(a, argparse._SubParsersAction))
    parser = subparsers.choices[command]
    return [
        name
        for action in parser._actions
        if action.help != argparse.SUPPRESS
        for name in action.option_strings
        if name.startswith("--") and name not in ("--help", "--no-pager")
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_names_each_command_with_its_options(command: str) -> None:
    rows = [
        line for line in README.splitlines() if line.startswith("| `carryover ") and f"`carryover {command}" in line
    ]

    assert rows, command
    assert [name for name in options(command) if not any(name in row for row in rows)] == []


def test_the_readme_names_what_is_covered_of_each_agent_and_what_is_not() -> None:
    lines = README.splitlines()
    covered = specs()
    row_of = {
        spec.id: next((line for line in lines if line.startswith((f"| {spec.name} ", f"| {spec.name}, "))), "")
        for spec in covered
    }

    assert [agent for agent, row in row_of.items() if not row] == []
    assert [(spec.id, also) for spec in covered for also in spec.also if also not in row_of[spec.id]] == []
    assert [(spec.id, name) for spec in covered for name in spec.not_covered if name not in README] == []


def test_the_readme_names_each_web_chat_with_its_budget() -> None:
    chats = web_chats().values()

    assert [chat.id for chat in chats if f"{chat.budget:,}" not in README] == []
    assert [chat.id for chat in chats if chat is not GENERIC and f"`{chat.id}` {chat.budget:,}" not in README] == []


def test_the_readme_names_each_exit_code() -> None:
    line = next(line for line in README.splitlines() if line.startswith("Exit codes:"))

    assert [code for code in ExitCode if f"{code.value} " not in line] == []


def test_the_readme_shows_each_setting() -> None:
    sections = [field for field in msgspec.structs.fields(Config) if hasattr(field.type, "__struct_fields__")]
    settings = {section.name: set(section.type.__struct_fields__) for section in sections}
    settings["agents"].remove("each")  # holds the tables of the single agents, `[agents.<id>]`

    shown = README.partition("## Settings")[2]
    assert [(s, name) for s, names in settings.items() for name in names if f"{name} =" not in shown] == []
    assert [s for s in settings if f"[{s}]" not in shown] == []


def test_the_architecture_names_each_folder_of_the_source() -> None:
    folders = [path.name for path in (TOP / "src" / "carryover").iterdir() if (path / "__init__.py").is_file()]

    assert [name for name in folders if f"{name}/" not in ARCHITECTURE] == []


def test_the_readme_has_the_tables_that_the_agents_folders_give() -> None:
    assert with_tables(README) == README, "run `make table`"


def test_a_readme_without_the_places_of_its_tables_is_refused() -> None:
    with pytest.raises(ValueError, match="<!-- hooks -->"):
        with_tables(README.replace("<!-- hooks -->", ""))


def test_each_defence_that_is_promised_names_a_test_that_is_there() -> None:
    rows = [line for line in SECURITY.splitlines() if line.startswith("| ") and " | " in line]
    table = [row for row in rows if not row.startswith("| From |")]
    named = [re.findall(r"`(tests/[^`]+)`", row.split(" | ")[-1]) for row in table]

    assert len(table) >= 10
    assert [row for row, tests in zip(table, named, strict=True) if not tests] == []
    assert [path for tests in named for path in tests if not (TOP / path).exists()] == []
