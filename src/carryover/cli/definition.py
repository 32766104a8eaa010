"""Every command with its arguments, as data: what completions and man pages are made of.

There is one definition: `COMMANDS` and each command's `add_arguments`, from which the help comes as well.
"""

from __future__ import annotations

import argparse
from typing import Final, NamedTuple

from carryover.cli.main import COMMANDS, add_arguments_of, build_parser, chosen

_KINDS: Final = {
    "ID": "sessions",
    "AGENT": "agents",
    "IDS": "agents",
    "PROJECT": "projects",
    "DIR": "projects",
    "OLD": "projects",
    "NEW": "folders",
    "FILE": "files",
    "KEY": "settings",
    "WHEN": "times",
}
"""What an argument takes, by its name in the help: what is completed there."""


class Argument(NamedTuple):
    """An option, or an argument without a name."""

    flags: tuple[str, ...]
    """Empty: it is given by its place."""
    value: str
    """What it takes, as the help calls it; empty: nothing."""
    help: str
    choices: tuple[str, ...] = ()
    required: bool = False
    repeated: bool = False

    @property
    def kind(self) -> str:
        """What is completed there: `sessions`, `agents`, ...; empty where nothing can be."""
        return "choices" if self.choices else _KINDS.get(self.value, "")


class Command(NamedTuple):
    """A command: the whole program, or one of its commands."""

    name: str
    """As it is typed: `carryover sessions`."""
    summary: str
    description: str
    epilog: str
    """Examples, then exit codes, as the help has them."""
    arguments: tuple[Argument, ...]

    @property
    def options(self) -> tuple[Argument, ...]:
        """What is given by name."""
        return tuple(argument for argument in self.arguments if argument.flags)

    @property
    def operands(self) -> tuple[Argument, ...]:
        """What is given by its place."""
        return tuple(argument for argument in self.arguments if not argument.flags)


def program() -> Command:
    """`carryover` itself, with the arguments that it takes before a command."""
    return described("carryover", "hand your work over from one AI agent to the next", build_parser(None))


def commands() -> tuple[Command, ...]:
    """Every command that people see, in the order of the help."""
    parser = build_parser(None)
    for name in COMMANDS:
        add_arguments_of(name, chosen(parser, name))
    return tuple(described(f"carryover {name}", summary, chosen(parser, name)) for name, summary in COMMANDS.items())


def described(name: str, summary: str, parser: argparse.ArgumentParser) -> Command:
    """What `parser` takes, under the name and summary of its command."""
    formatter = parser._get_formatter()
    arguments = [
        _argument(action, formatter)
        for action in parser._actions
        if action.help != argparse.SUPPRESS and not isinstance(action, argparse._SubParsersAction)
    ]
    return Command(name, summary, parser.description or "", parser.epilog or "", tuple(arguments))


def _argument(action: argparse.Action, formatter: argparse.HelpFormatter) -> Argument:
    value = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
    return Argument(
        flags=tuple(action.option_strings),
        value=value,
        help=formatter._expand_help(action) if action.help else "",
        choices=tuple(str(choice) for choice in action.choices or ()),
        required=action.required and not action.option_strings,
        repeated=action.nargs in ("*", "+"),
    )
