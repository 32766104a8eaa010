"""The commands as the documents show them, from the one definition that the help comes from: `make table`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from carryover.cli.arguments import MEANING
from contract.definition import Argument, Command, commands

HEAD: Final = """\
# Commands

Written by `make table` from the definition that `--help`, the manual pages and the completions come from. The
[README](../README.md) is the place to begin; the [guide](guide.md) says more about what each part does.
`carryover` alone, on a terminal, lists your sessions with a preview; `?` shows its keys.
"""


def overview() -> str:
    """Returns a table with one line per command."""
    rows = (f"| `{command.name}` | {_cell(command.summary)} |\n" for command in commands())
    return "".join(("| Command | What it does |\n|---|---|\n", *rows))


def reference() -> str:
    """Returns the whole page: each command with its arguments, then the exit codes."""
    return "\n".join((HEAD, *(_section(command) for command in commands()), _exit_codes()))


def _section(command: Command) -> str:
    usage = " ".join((command.name, *map(_operand, command.operands)))
    rows = [_row(argument) for argument in command.arguments if argument.flags != ("-h", "--help")]
    table = "".join(("| | |\n|---|---|\n", *rows)) if rows else ""
    description = command.description.strip()
    parts = (f"## {command.name}", f"`{usage}`" if command.operands else "", description, table)
    return "\n\n".join(part for part in parts if part).rstrip("\n") + "\n"


def _operand(operand: Argument) -> str:
    name = f"{operand.value}{'...' if operand.repeated else ''}"
    return name if operand.required else f"[{name}]"


def _row(argument: Argument) -> str:
    value = "|".join(argument.choices) or argument.value
    named = " ".join(filter(None, (", ".join(argument.flags), value)))
    return f"| `{_cell(named)}` | {_cell(argument.help)} |\n"


def _exit_codes() -> str:
    return "".join(_exit_code_lines())


def _exit_code_lines() -> Iterator[str]:
    yield "## Exit codes\n\n| Code | Meaning |\n|---|---|\n"
    for code, meaning in MEANING.items():
        yield f"| {int(code)} | {meaning} |\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
