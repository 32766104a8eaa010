"""What the arguments of all commands have in common: the table of exit codes in their help, checks of values."""

from __future__ import annotations

import argparse
from typing import Final

from carryover.cli.output import terminal_width
from carryover.errors import ExitCode

WIDEST: Final = 100

MEANING: Final = {
    ExitCode.OK: "done",
    ExitCode.FAILED: "failed; the message says what was kept",
    ExitCode.USAGE: "wrong arguments",
    ExitCode.NOTHING_FOUND: "nothing found",
    ExitCode.NOT_RUNNING: "the daemon is not running",
    ExitCode.REFUSED: "refused; nothing was changed",
    ExitCode.INTERRUPTED: "interrupted (Ctrl-C)",
}
"""What each exit code of `carryover` and `carryoverd` means."""


class HelpText(argparse.RawDescriptionHelpFormatter):
    """Help as it was written, as wide as the terminal, at most `WIDEST`.

    argparse would find the width with a module that costs start-up time, at each argument that is added.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=min(terminal_width() or WIDEST, WIDEST) - 2)

    def add_argument(self, action: argparse.Action) -> None:
        """Adds an argument; a list of commands gets room for its indent."""
        super().add_argument(action)
        # argparse forgets that commands are indented, and would break the line after the longest one.
        if isinstance(action, argparse._SubParsersAction):
            self._action_max_length += self._indent_increment


def exit_code_help(*codes: ExitCode) -> str:
    """The lines of a command's help that say which exit codes it has."""
    return "exit codes:\n" + "".join(f"  {code:<4} {MEANING[code]}\n" for code in codes)


_ALWAYS: Final = (ExitCode.OK, ExitCode.FAILED, ExitCode.USAGE, ExitCode.INTERRUPTED)


def describe(parser: argparse.ArgumentParser, description: str, examples: str, *codes: ExitCode) -> None:
    """Gives a command's help its text, its examples and its exit codes: `codes`, and those that every command has."""
    parser.description = description
    parser.epilog = f"{examples}\n{exit_code_help(*sorted((*_ALWAYS, *codes)))}"


def positive(text: str) -> int:
    """A number of things to count from 1; for argparse, which turns the error into a message."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
