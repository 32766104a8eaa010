"""Every command with its arguments, as data, and the manual pages, which `make dist` writes of it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from carryover.faces.cli.arguments import MEANING, CommandParser
from carryover.faces.cli.main import COMMANDS, build_parser


class Command(NamedTuple):
    """The whole program or one of its commands, as it is typed.

    flags = [option.option_strings[-1] for option in program().options]  # --help, --json, --version
    """

    name: str
    summary: str
    parser: CommandParser

    @property
    def arguments(self) -> list[argparse.Action]:
        return [action for action in self.parser.declared if action.help != argparse.SUPPRESS]

    @property
    def options(self) -> list[argparse.Action]:
        return [action for action in self.arguments if action.option_strings]

    @property
    def operands(self) -> list[argparse.Action]:
        return [action for action in self.arguments if not action.option_strings]


def program() -> Command:
    """`carryover` itself, with the arguments that it takes before a command."""
    return Command("carryover", "hand your work over from one AI agent to the next", build_parser()[0])


def commands() -> list[Command]:
    """Every command that people see, in the order of the help."""
    return [Command(f"carryover {name}", summary, build_parser(name)[1][name]) for name, summary in COMMANDS.items()]


def name_of_value(action: argparse.Action) -> str:
    """What it takes, as the help calls it; empty: nothing."""
    return "" if action.nargs == 0 else str(action.metavar or action.dest.upper())


def value_shown(action: argparse.Action) -> str:
    """Returns what an option or argument takes: its choices, or else the name of its value; empty if it takes none."""
    return ("|".join(map(str, action.choices or ())) or name_of_value(action)) + dots_of(action)


def dots_of(action: argparse.Action) -> str:
    """Says that more than one may be given."""
    return "..." if action.nargs in ("*", "+") else ""


def typed_of(action: argparse.Action, name: str) -> str:
    """In brackets, if it may be left out."""
    return name if action.required and action.nargs != "*" else f"[{name}]"


def pages() -> Mapping[str, str]:
    """The text of each page, by the name of its file; the first is of the whole program."""
    whole, parts = program(), commands()
    every = [(whole, _page(whole, parts)), *((part, _page(part, ())) for part in parts)]
    return {f"{_page_name(command)}.1": "\n".join(lines) + "\n" for command, lines in every}


def _page_name(command: Command) -> str:
    return command.name.replace(" ", "-")


def _page(command: Command, parts: Sequence[Command]) -> Iterator[str]:
    name = _page_name(command)
    yield f'.TH "{name.upper()}" "1" "" "Carryover" "User Commands"'
    yield from (".SH NAME", f"{_text(name)} \\- {_text(command.summary)}")
    yield from (".SH SYNOPSIS", _synopsis(command, parts))
    yield ".SH DESCRIPTION"
    for number, paragraph in enumerate((command.parser.description or "").strip().split("\n\n")):
        yield from ([".PP"] if number else [])
        yield from (_line(line) for line in paragraph.split("\n"))
    if parts:
        yield ".SH COMMANDS"
        for part in parts:
            yield from (".TP", f"\\fB{_text(part.name)}\\fR(1)", _line(part.summary))
    if command.arguments:
        yield ".SH OPTIONS"
        for action in (*command.operands, *command.options):
            yield from (".TP", _heading(action), _line(action.help or ""))
    examples, _, codes = (command.parser.epilog or "").partition("examples:\n")[2].partition("exit codes:\n")
    if examples.strip():
        yield ".SH EXAMPLES"
        yield ".nf"
        yield from (_line(line) for line in examples.rstrip().split("\n"))
        yield ".fi"
    yield ".SH EXIT STATUS"
    for code, meaning in MEANING.items():
        if f"  {code:<4} {meaning}\n" in codes:
            yield from (".TP", f"\\fB{int(code)}\\fR", _line(meaning))
    if not parts:
        yield from (".SH SEE ALSO", "\\fBcarryover\\fR(1)")


def _synopsis(command: Command, parts: Sequence[Command]) -> str:
    operands = [
        " ".join(filter(None, (typed_of(action, f"\\fI{_text(name_of_value(action))}\\fR"), dots_of(action))))
        for action in command.operands
    ]
    what = ["\\fICOMMAND\\fR"] if parts else []
    return " ".join([f"\\fB{_text(command.name)}\\fR", *operands, "[\\fIOPTION\\fR ...]", *what])


def _heading(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"\\fI{_text(name_of_value(action))}\\fR"
    value = f" \\fI{_text(value_shown(action))}\\fR" if value_shown(action) else ""
    return ", ".join(f"\\fB{_text(flag)}\\fR{value}" for flag in action.option_strings)


def _line(text: str) -> str:
    """One line of text; a dot or a quote at its beginning would be a command."""
    escaped = _text(text)
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped


def _text(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("'", "\\(aq")
