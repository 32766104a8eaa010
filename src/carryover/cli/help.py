"""`carryover help` and `carryover version`."""

from __future__ import annotations

import argparse
from typing import Final

from carryover.cli.arguments import describe
from carryover.errors import ExitCode, UserError
from carryover.terminal.output import did_you_mean

DESCRIPTION: Final = {
    "help": "Prints the help of a command, as its `--help` does, or the overview of all.",
    "version": """\
Prints the version of this command, how it was installed and where;
`carryover status -v` also names the daemon's.""",
}

EXAMPLES: Final = {
    "help": """\
  carryover help            all commands
  carryover help handoff    the options of one, with examples""",
    "version": """\
  carryover version""",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    command = parser.get_default("command")
    describe(parser, DESCRIPTION[command], EXAMPLES[command])
    if command == "help":
        parser.add_argument("topic", metavar="COMMAND", nargs="?", help="the command to explain (default: all)")


def run(args: argparse.Namespace) -> None:
    if args.command == "version":
        from carryover.install.how_installed import version_line

        print(version_line("carryover"))
        return
    from carryover.cli.main import ALIASES, COMMANDS, build_parser

    topic = ALIASES.get(args.topic, args.topic)
    if topic is not None and topic not in COMMANDS:
        raise UserError(f"There is no command {topic!r}{did_you_mean(topic, COMMANDS) or '.'}", ExitCode.USAGE)
    parser, commands = build_parser(topic)
    (parser if topic is None else commands[topic]).print_help()
