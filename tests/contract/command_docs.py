"""docs/commands.md and README's table of commands, from the definition of the commands."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Final

from carryover.faces.cli.arguments import MEANING
from carryover.faces.cli.main import GROUPS
from manual.pages import Command, commands, dots_of, name_of_value, typed_of, value_shown

HEAD: Final = """\
# Commands

Written by `make table` from the definition that `--help`, the manual pages and the completions come from. The
[README](../README.md) is the place to begin; the [guide](guide.md) says more about what each part does.
`carryover` alone prints what `carryover sessions` does or, outside of your projects and in your home folder,
`carryover sessions --all`.
"""


def overview() -> str:
    """Returns a table for each group of commands, with one line per command."""
    tables = (_table(title, group) for title, group in GROUPS.items())
    return "\n".join(tables)


def _table(title: str, group: Mapping[str, str]) -> str:
    rows = (f"| `{name}` | {_cell(summary)} |\n" for name, summary in group.items())
    return "".join((f"| {title.capitalize()} | |\n|---|---|\n", *rows))


def reference() -> str:
    """Returns the whole page: each command with its arguments, then the exit codes."""
    return "\n".join((HEAD, *(_section(command) for command in commands()), _exit_codes()))


def _section(command: Command) -> str:
    usage = " ".join(
        (command.name, *(typed_of(action, name_of_value(action) + dots_of(action)) for action in command.operands))
    )
    rows = [_row(action) for action in command.arguments if "--help" not in action.option_strings]
    table = "".join(("| | |\n|---|---|\n", *rows)) if rows else ""
    description = (command.parser.description or "").strip()
    parts = (f"## {command.name}", f"`{usage}`" if command.operands else "", description, table)
    return "\n\n".join(part for part in parts if part).rstrip("\n") + "\n"


def _row(action: argparse.Action) -> str:
    named = " ".join(filter(None, (", ".join(action.option_strings), value_shown(action))))
    return f"| `{_cell(named)}` | {_cell(action.help or '')} |\n"


def _exit_codes() -> str:
    rows = (f"| {int(code)} | {meaning} |\n" for code, meaning in MEANING.items())
    return "".join(("## Exit codes\n\n| Code | Meaning |\n|---|---|\n", *rows))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
