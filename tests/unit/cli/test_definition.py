from __future__ import annotations

from carryover.cli.arguments import CommandParser
from carryover.cli.definition import Argument, commands, described, program
from carryover.cli.main import COMMANDS


def test_every_command_is_there_with_its_summary_and_its_arguments() -> None:
    found = commands()

    assert [(command.name, command.summary) for command in found] == [
        (f"carryover {name}", summary) for name, summary in COMMANDS.items()
    ]
    assert [command.name for command in found if not command.description or not command.options] == []
    assert "--version" in {flag for option in program().options for flag in option.flags}


def test_what_an_argument_takes_says_what_is_completed_there() -> None:
    parser = CommandParser(prog="x", add_help=False)
    parser.add_argument("id", metavar="ID", nargs="?", help="100%% of it, %(default)s")
    parser.add_argument("files", metavar="FILE", nargs="+")
    parser.add_argument("--level", choices=("low", "high"))
    parser.add_argument("-q", "--quiet", action="store_true")

    assert described("x", "", parser).arguments == (
        Argument((), "ID", "100% of it, None"),
        Argument((), "FILE", "", required=True, repeated=True),
        Argument(("--level",), "LEVEL", "", choices=("low", "high")),
        Argument(("-q", "--quiet"), "", ""),
    )
    assert [argument.kind for argument in described("x", "", parser).arguments] == ["sessions", "files", "choices", ""]
