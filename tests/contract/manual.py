"""The manual pages, made from the definition of the commands; `make man` writes them into `src/carryover/cli/man`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from carryover.cli.arguments import MEANING
from contract.definition import Argument, Command, commands, program
from contract.folder import CHECKOUT

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
