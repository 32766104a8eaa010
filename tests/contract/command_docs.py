"""Every command with its arguments, as data: what docs/commands.md and the manual pages are made of."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from carryover.cli.arguments import MEANING, CommandParser
from carryover.cli.main import COMMANDS, build_parser
from contract.folder import CHECKOUT


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


FOLDER: Final = CHECKOUT / "src" / "carryover" / "cli" / "man"


def pages(whole: Command, parts: Sequence[Command]) -> Mapping[str, str]:
    """The text of each page, by the name of its file; the first is of the whole program."""
    every = [(whole, _page(whole, parts)), *((part, _page(part, ())) for part in parts)]
    return {f"{_page_name(command)}.1": "\n".join(lines) + "\n" for command, lines in every}


def write(folder: Path = FOLDER) -> None:
    """Writes all pages to `folder`."""
    for name, text in pages(program(), commands()).items():
        (folder / name).write_text(text, encoding="utf-8")


def _page_name(command: Command) -> str:
    return command.name.replace(" ", "-")


def _page(command: Command, parts: Sequence[Command]) -> Iterator[str]:
    name = _page_name(command)
    yield f'.TH "{name.upper()}" "1" "" "Carryover" "User Commands"'
    yield from (".SH NAME", f"{_text(name)} \\- {_text(command.summary)}")
    yield from (".SH SYNOPSIS", _synopsis(command, parts))
    yield ".SH DESCRIPTION"
    for number, paragraph in enumerate(command.description.strip().split("\n\n")):
        yield from ([".PP"] if number else [])
        yield from (_line(line) for line in paragraph.split("\n"))
    if parts:
        yield ".SH COMMANDS"
        for part in parts:
            yield from (".TP", f"\\fB{_text(part.name)}\\fR(1)", _line(part.summary))
    if command.arguments:
        yield ".SH OPTIONS"
        for argument in (*command.operands, *command.options):
            yield from (".TP", _heading(argument), _line(argument.help))
    examples, _, codes = command.epilog.partition("examples:\n")[2].partition("exit codes:\n")
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
    names = [f"\\fI{_text(operand.value)}\\fR" for operand in command.operands]
    operands = [
        f"{'' if operand.required else '['}{name}{'' if operand.required else ']'}{' ...' if operand.repeated else ''}"
        for operand, name in zip(command.operands, names, strict=True)
    ]
    what = ["\\fICOMMAND\\fR"] if parts else []
    return " ".join([f"\\fB{_text(command.name)}\\fR", *operands, "[\\fIOPTION\\fR ...]", *what])


def _heading(argument: Argument) -> str:
    if not argument.flags:
        return f"\\fI{_text(argument.value)}\\fR"
    value = f" \\fI{_text('|'.join(argument.choices) or argument.value)}\\fR" if argument.value else ""
    return ", ".join(f"\\fB{_text(flag)}\\fR{value}" for flag in argument.flags)


def _line(text: str) -> str:
    """One line of text; a dot or a quote at its beginning would be a command."""
    escaped = _text(text)
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped


def _text(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("'", "\\(aq")


if __name__ == "__main__":
    write()
