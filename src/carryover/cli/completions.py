"""`carryover completions`: prints the script that completes commands, options and values in bash, zsh or fish."""

from __future__ import annotations

import argparse
from typing import Final

from carryover.cli.arguments import describe
from carryover.errors import ExitCode, UserError

SHELLS: Final = ("bash", "zsh", "fish")

DESCRIPTION: Final = """\
Prints a script that makes your shell complete the commands and options of
carryover, and session ids, agents and projects, which are asked for as you
type. Nothing is written anywhere."""

EXAMPLES: Final = """\
examples:
  bash: put this line into ~/.bashrc
      eval "$(carryover completions bash)"
  zsh: put this line into ~/.zshrc, after compinit
      eval "$(carryover completions zsh)"
  fish: run this once
      carryover completions fish > ~/.config/fish/completions/carryover.fish
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the help and the arguments of `carryover completions`."""
    describe(parser, DESCRIPTION, EXAMPLES)
    parser.add_argument("shell", nargs="?", metavar="SHELL", choices=SHELLS, help=f"one of {', '.join(SHELLS)}")
    # What the scripts ask for: the values of a kind that begin like what is typed already.
    parser.add_argument("--values", nargs=2, metavar=("KIND", "BEGINNING"), help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Runs `carryover completions`; returns the exit code."""
    if args.values is not None:
        from carryover.cli.completion_values import values

        for value, meaning in values(*args.values):
            print(f"{value}\t{meaning}" if meaning else value)
        return ExitCode.OK
    if args.shell is None:
        raise UserError(f"Name the shell: {', '.join(SHELLS)}.", ExitCode.USAGE)
    from carryover.cli.completion_scripts import script
    from carryover.cli.definition import commands, program

    print(script(args.shell, program(), commands()), end="")
    return ExitCode.OK
