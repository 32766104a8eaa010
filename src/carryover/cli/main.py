"""The `carryover` command: finds the subcommand, runs it, turns what went wrong into one message and an exit code.

Only the chosen subcommand's module is imported: agents and people call this often, and the daemon's dependencies cost
more start-up time than most commands need in all.
"""

from __future__ import annotations

import errno
import importlib
import keyword
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from types import ModuleType
from typing import Final

from carryover import __version__
from carryover.cli.arguments import CommandParser, HelpText, exit_code_help
from carryover.errors import ExitCode, UserError

COMMANDS: Final = {
    "install": "set Carryover up for the agents you use; asks one question",
    "refresh": "detect agents again, and update hooks and settings",
    "handoff": "print the handoff of a project",
    "status": "show what Carryover sees and does; changes nothing",
    "sessions": "list recorded sessions, newest first",
    "show": "print the conversation of one session",
    "search": "find what was said, run, touched or failed",
    "log": "print the timeline of a project, newest first",
    "why": "say which turns changed a file, and for which prompts",
    "resume": "print or run the agent's own command that resumes a session",
    "export": "a project as one document for a web chat, or a session as a file",
    "note": "take in what a web chat answered",
    "import": "take exported or copied transcripts into the ledger",
    "logs": "print the log of the daemon, or follow it",
    "forget": "remove sessions, or a time, from everything recorded",
    "doctor": "find problems, say what to do, repair what is safe",
    "start": "start the daemon, through the service",
    "stop": "stop the daemon",
    "restart": "restart the daemon",
    "pause": "stop reading, writing and handing over until `unpause`",
    "unpause": "resume after `pause`",
    "config": "show the settings, or change one",
    "link": "say where a moved project is now",
    "uninstall": "remove hooks and service, or everything",
    "completions": "print the completions for your shell",
}
"""Every command people see, with what it does. Each lives in the module of its name (with `_` after a keyword)."""

DESCRIPTION: Final = """\
Carryover keeps a short, always fresh handoff of the work you do with AI coding
agents, so that the next agent continues where the last one stopped."""

EXAMPLES: Final = """\
examples:
  carryover                          pick a session: show, continue, copy it
  carryover install                  set it up; asks one question
  carryover handoff                  the handoff of the project you are in
  carryover sessions --all           what was recorded, in all projects
  carryover show 3f2a                the session whose id begins with 3f2a
  carryover status                   what is watched, what was skipped and why

`carryoverd` is the daemon that keeps handoffs fresh. Every command works
without it too, straight from what the agents left on disk.
"""

_OUTPUT_ERRORS: Final = (errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC)
"""What writing to standard output may fail with, but for a reader that goes away."""

_ADVICE: Final = "What was done before is kept. Correct that, then run the command again."


def main(argv: Sequence[str] | None = None) -> int:
    """Run `carryover` with `argv` (default: the process's arguments) and give its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    replace_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # paths and transcripts hold what not every terminal can show
    try:
        try:
            code = _run(arguments)
        except UserError as error:
            print(f"carryover: {error}", file=sys.stderr)
            code = error.code
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("carryover: interrupted", file=sys.stderr)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return ExitCode.OK
    except OSError as error:
        if error.filename is not None:
            what = f"{error.filename} can't be used"
        elif error.errno in _OUTPUT_ERRORS:
            what = "The output can't be written"
            _silence_stdout()
        else:
            raise
        print(f"carryover: {what}: {error.strerror}. {_ADVICE}", file=sys.stderr)
        return ExitCode.FAILED
    return code


def replace_closed_streams() -> None:
    """Opens the null device for each standard stream that the caller has closed, for which Python has None.

    Standard output becomes one that cannot be written, as it is in other programs. Left closed, its number would go to
    the next file that is opened.
    """
    for name, flags in (("stdin", os.O_RDONLY), ("stdout", os.O_RDONLY), ("stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, flags)
            setattr(sys, name, os.fdopen(descriptor, "r" if name == "stdin" else "w"))


def build_parser(command: str | None) -> CommandParser:
    """The whole parser, with the arguments of `command` only: the other commands' modules stay unimported."""
    parser = CommandParser(
        prog="carryover",
        description=DESCRIPTION,
        epilog=f"{EXAMPLES}\n{exit_code_help(*ExitCode)}",
        formatter_class=HelpText,
        allow_abbrev=False,
    )
    parser.add_argument("--no-pager", action="store_true", help="print long output at once, without a pager")
    parser.add_argument("--version", action="version", version=f"carryover {__version__}")
    # With `prog` given argparse need not format a usage line now, for which it would import half of the archivers.
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands", prog="carryover")
    for name, summary in COMMANDS.items():
        subparser = commands.add_parser(name, help=summary, formatter_class=HelpText, allow_abbrev=False)
        if name == command:
            add_arguments_of(name, subparser)
    return parser


def add_arguments_of(command: str, parser: CommandParser) -> None:
    """Adds the help and the arguments of `command` to its parser; imports its module."""
    _module(command).add_arguments(parser)


def chosen(parser: CommandParser, command: str | None) -> CommandParser:
    """The parser of `command` within the whole one; None: the whole one."""
    for action in parser._actions:
        if command is not None and isinstance(action.choices, dict):
            found = action.choices[command]
            assert isinstance(found, CommandParser)
            return found
    return parser


def _run(arguments: list[str]) -> int:
    command = next((argument for argument in arguments if not argument.startswith("-")), None)
    parser = build_parser(command)
    try:
        args, unknown = parser.parse_known_args(arguments)
        if unknown:
            chosen(parser, args.command).unknown(unknown)
    except SystemExit as stop:  # argparse has printed its help (0) or what is wrong with the arguments (2)
        return stop.code if isinstance(stop.code, int) else ExitCode.USAGE
    if args.command is None:
        picked = _pick() if sys.stdin.isatty() and sys.stdout.isatty() else None
        if picked is None:
            parser.print_help(sys.stderr)
        return ExitCode.USAGE if picked is None else picked
    code: int = _module(args.command).run(args)
    return code


def _pick() -> int | None:
    """The exit code of the picker of sessions; None where there is nothing to pick from."""
    from carryover.cli.picker_screen import can_pick, run

    return run() if can_pick() else None


def _module(command: str) -> ModuleType:
    return importlib.import_module(f"carryover.cli.{command}{'_' if keyword.iskeyword(command) else ''}")


def _silence_stdout() -> None:
    """Drops what is still to be printed. Without this the interpreter complains once more when it flushes at exit."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)


if __name__ == "__main__":
    sys.exit(main())
