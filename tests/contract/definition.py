"""Every command with its arguments, as data: what docs/commands.md and the manual pages are made of."""

from __future__ import annotations

import argparse
from typing import NamedTuple

from carryover.cli.arguments import CommandParser
from carryover.cli.main import COMMANDS, build_parser


class Argument(NamedTuple):
    """An option, or an argument without a name. `value`: what it takes, as the help calls it; empty: nothing."""

    flags: tuple[str, ...]
    value: str
    help: str
    choices: tuple[str, ...] = ()
    required: bool = False
    repeated: bool = False


class Command(NamedTuple):
    """The whole program or one of its commands, as it is typed. `epilog` holds examples, then exit codes."""

    name: str
    summary: str
    description: str
    epilog: str
    arguments: tuple[Argument, ...]

    @property
    def options(self) -> tuple[Argument, ...]:
        return tuple(argument for argument in self.arguments if argument.flags)

    @property
    def operands(self) -> tuple[Argument, ...]:
        return tuple(argument for argument in self.arguments if not argument.flags)


def program() -> Command:
    """`carryover` itself, with the arguments that it takes before a command."""
    return described("carryover", "hand your work over from one AI agent to the next", build_parser()[0])


def commands() -> tuple[Command, ...]:
    """Every command that people see, in the order of the help."""
    parsers = {name: build_parser(name)[1][name] for name in COMMANDS}
    return tuple(described(f"carryover {name}", summary, parsers[name]) for name, summary in COMMANDS.items())


def described(name: str, summary: str, parser: CommandParser) -> Command:
    """What `parser` takes, under the name and summary of its command."""
    arguments = tuple(_argument(action) for action in parser.declared if action.help != argparse.SUPPRESS)
    return Command(name, summary, parser.description or "", parser.epilog or "", arguments)


def _argument(action: argparse.Action) -> Argument:
    return Argument(
        flags=tuple(action.option_strings),
        value="" if action.nargs == 0 else str(action.metavar or action.dest.upper()),
        help=action.help or "",
        choices=tuple(str(choice) for choice in action.choices or ()),
        required=action.required and not action.option_strings,
        repeated=action.nargs in ("*", "+"),
    )
