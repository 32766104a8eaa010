"""`carryover help` and `carryover version`."""

from __future__ import annotations

import argparse
from typing import Final

from carryover.actions.version import version_line
from carryover.errors import ExitCode, UserError
from carryover.faces.cli.arguments import describe
from carryover.terminal.output import print_document, say

DESCRIPTION: Final = {
    "help": "Prints the help of a command, as its `--help` does, or the overview of all.",
    "version": """\
Prints the version of this command, how it was installed and where;
`carryover status -v` also names the daemon's.""",
    "completions": """\
Prints a script that makes your shell complete the commands and options of
carryover, folders and files, and session ids, agents and settings, which are
asked for as you type. Nothing is written anywhere.""",
}

EXAMPLES: Final = {
    "help": """\
  carryover help            all commands
  carryover help handoff    the options of one, with examples""",
    "version": """\
  carryover version""",
    "completions": """\
  bash: put this line into ~/.bashrc
      eval "$(carryover completions bash)"
  zsh: put this line into ~/.zshrc, after compinit
      eval "$(carryover completions zsh)"
  fish: run this once
      carryover completions fish > ~/.config/fish/completions/carryover.fish""",
}
SHELLS: Final = ("bash", "zsh", "fish")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    command = parser.get_default("command")
    describe(parser, DESCRIPTION[command], EXAMPLES[command])
    if command == "help":
        parser.add_argument("topic", metavar="COMMAND", nargs="?", help="the command to explain (default: all)")
    elif command == "completions":
        parser.add_argument("shell", nargs="?", metavar="SHELL", choices=SHELLS, help=f"one of {', '.join(SHELLS)}")


def run_version(_args: argparse.Namespace) -> None:
    say(version_line("carryover"), fits=True)


def run_help(args: argparse.Namespace) -> None:
    from carryover.faces.cli.main import ALIASES, COMMANDS, build_parser, meant_command

    topic = ALIASES.get(args.topic, args.topic)
    if topic is not None and topic not in COMMANDS:
        instead = meant_command(topic) or ". `carryover help` lists all."
        raise UserError(f"There is no command {topic!r}{instead}", ExitCode.USAGE)
    parser, commands = build_parser(topic)
    print_document((parser if topic is None else commands[topic]).format_help())


def run_completions(args: argparse.Namespace) -> None:
    if args.shell is None:
        raise UserError(f"Name the shell: {', '.join(SHELLS)}.", ExitCode.USAGE)
    from argcomplete.shell_integration import shellcode

    print_document(f"{shellcode(['carryover'], use_defaults=False, shell=args.shell)}\n")
