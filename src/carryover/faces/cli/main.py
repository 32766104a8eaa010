"""The `carryover` command: finds the subcommand, runs it, and turns any error into one message and an exit code."""

from __future__ import annotations

import argparse
import errno
import gc
import importlib
import os
import sys
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, Final

from carryover.errors import ExitCode, UserError
from carryover.faces.cli.arguments import CommandParser, ShowVersion, UsageError, exit_code_help
from carryover.terminal import streams
from carryover.terminal.output import as_json, did_you_mean, warn

GROUPS: Final = {
    "every day": {
        "handoff": "print the handoff of a project",
        "to": "continue in another agent, at a usage limit or whenever you like",
        "ui": "open a page in the browser: projects, handoffs, timeline, search",
        "status": "show what Carryover sees and does; changes nothing",
        "sessions": "list recorded sessions, newest first; also `ls`",
        "show": "print the conversation of one session",
        "search": "find what was said, run, touched or failed",
        "log": "print the timeline of a project, newest first",
        "why": "say which turns and prompts are behind a file, a line or a commit",
        "usage": "add up the tokens that agents recorded, by day, agent, model, project",
        "resume": "print or run the agent's own command that resumes a session",
        "pin": "keep your own word in each handoff, or list what is pinned",
        "done": "say in each handoff that something is done",
        "unpin": "take back what was pinned, or said to be done",
        "export": "a project as one document for a web chat, or a session as a file",
        "note": "take in what a web chat answered",
    },
    "set-up": {
        "install": "set Carryover up for the agents you use; asks one question",
        "refresh": "detect agents again, and update hooks and settings",
        "doctor": "find problems, say what to do, repair what is safe",
        "config": "show the settings, or change one",
        "agents": "list known agents, or check a package's",
        "mcp": "let an agent look up what was done in its project (MCP server)",
        "sync": "take what is recorded to your other machines, encrypted",
        "completions": "print the completions for your shell",
        "uninstall": "remove hooks and service, or everything",
    },
    "rare": {
        "share": "write a handoff for a colleague, encrypted to their key",
        "import": "take in transcripts, or what a colleague shared",
        "forget": "remove sessions, or a time, from everything recorded",
        "link": "say where a moved project is now",
        "pause": "stop reading, writing and handing over until `unpause`",
        "unpause": "resume after `pause`",
        "start": "start the daemon in the background",
        "stop": "stop the daemon",
        "restart": "restart the daemon",
        "logs": "print the log of the daemon",
        "help": "print the help of a command",
        "version": "print version, kind of installation and path",
    },
}
"""Every command with its description, by how often it is needed, in the order of the help text."""

COMMANDS: Final = {name: summary for group in GROUPS.values() for name, summary in group.items()}
"""The same without groups.

Only the module of the command that runs is imported: the imports of all take longer than most commands do.
"""

_MODULES: Final = {
    "refresh": "install",
    "link": "forget",
    "to": "resume",
    "log": "history",
    "why": "history",
    "done": "pin",
    "unpin": "pin",
    "import": "import_",
    **dict.fromkeys(("start", "stop", "restart", "pause", "unpause", "ui"), "daemon_control"),
    **dict.fromkeys(("version", "completions"), "help"),
}
"""Modules of the commands whose names differ from their module's.

Each has `add_arguments` and `run`, which returns an exit code or None for success; or, if its commands differ,
`log_arguments`, `run_log` and so on.
"""

ALIASES: Final = {"ls": "sessions"}
"""Short names of commands."""

_EXPECTED: Final = dict.fromkeys(("browser", "gui", "look", "page", "web"), "ui")
"""Words by which people look for a command whose name is another."""

DESCRIPTION: Final = """\
Carryover keeps a short, always fresh handoff of the work you do with AI coding
agents, so that the next agent continues where the last one stopped."""

EXAMPLES: Final = """\
examples:
  carryover                          your sessions here or, if there are none, all
  carryover install                  set it up; asks one question
  carryover handoff                  the handoff of the project you are in
  carryover to codex                 continue in another agent
  carryover ls --all                 what was recorded, in all projects
  carryover show 3f2a                the session whose id begins with 3f2a
  carryover status                   what is watched, what was skipped and why

`carryoverd` is the daemon that keeps handoffs fresh. Every command works
without it too, from what is recorded or, before that, what agents left on disk.
"""

JSON: Final = "--json"

_OUTPUT_ERRORS: Final = (errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC)
"""Errors that mean standard output cannot be written, other than a reader that closed the pipe."""

_ADVICE: Final = "What was done before is kept. Correct that, then run the command again."


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `carryover` with `argv` (default: the process's arguments) and returns its exit code."""
    if argv is None:
        streams.in_utf8()
    arguments = list(sys.argv[1:] if argv is None else argv)
    streams.guard()
    os.umask(os.umask(0o077) & 0o077)  # the owner can use what we create, whatever the umask takes from others
    try:
        try:
            code = _run(arguments, is_process=argv is None)
        except UserError as error:
            lines = error.shown if isinstance(error, UsageError) else ()
            code = _failed(arguments, str(error), error.code, *lines)
        streams.flush()
    except KeyboardInterrupt:
        if argv is None:  # its threads may run on for seconds, as when an agent is asked for its version
            import signal

            signal.signal(signal.SIGINT, signal.SIG_DFL)
        return _failed(arguments, "interrupted", ExitCode.INTERRUPTED)
    except BrokenPipeError:
        streams.silence_stdout()
        return ExitCode.OK
    except UnicodeEncodeError as error:
        problem = f"{error.object[:60]} is not UTF-8, so it can't be used. {_ADVICE}"
        return _failed(arguments, problem, ExitCode.USAGE)
    except RuntimeError as error:
        if str(error) != "can't start new thread":
            raise
        problem = "No thread can be started, as you have as many processes as the system lets you have (`ulimit -u`)."
        return _failed(arguments, f"{problem} {_ADVICE}", ExitCode.FAILED)
    except OSError as error:
        if error.filename is not None:
            what = f"{error.filename} can't be used"
        elif error.errno in _OUTPUT_ERRORS:
            what = "The output can't be written"
            streams.silence_stdout()
        elif isinstance(error, FileNotFoundError):  # as when a relative path is made absolute
            what = "The current folder can't be used"
        else:
            raise
        return _failed(arguments, f"{what}: {error.strerror}. {_ADVICE}", ExitCode.FAILED)
    return code


def _failed(arguments: Sequence[str], message: str, code: ExitCode, *lines: str) -> ExitCode:
    """Prints an error on standard error and returns `code`: as `lines`, usually the message alone, or with --json as
    an object in one line."""
    if JSON in (arguments[: arguments.index("--")] if "--" in arguments else arguments):
        text = as_json({"error": code.name.lower(), "exit_code": code, "message": message})
        streams.write_line(text, error=True)
    else:
        warn(*(lines or [f"carryover: {message}"]))
    return code


def build_parser(
    command: str | None = None, *, others: Container[str] = ()
) -> tuple[CommandParser, Mapping[str, CommandParser]]:
    """Returns the main parser, and those of `command` and `others`. Only `command` gets its arguments, since that
    imports it."""
    lines = (
        (title, (f"  {name:<12} {summary}\n" for name, summary in group.items())) for title, group in GROUPS.items()
    )
    listed = "\n".join(f"{title}:\n{''.join(rows)}" for title, rows in lines)
    parser = CommandParser(
        prog="carryover",
        usage="carryover [-h] [--json] [--version] COMMAND ...",
        description=DESCRIPTION,
        epilog=f"{listed}\n{EXAMPLES}\n{exit_code_help(*ExitCode)}",
    )
    parser.add_argument(
        JSON,
        action="store_true",
        help="print data and errors as JSON, where a command has data; may also follow the command",
    )
    parser.add_argument("--version", action=ShowVersion, nargs=0, help="print version, kind of installation and path")
    # Given `prog`, argparse does not format a usage line now, for which it would import several archive modules.
    subparsers = parser.add_subparsers(dest="command", prog="carryover", help=argparse.SUPPRESS)
    short = {command: alias for alias, command in ALIASES.items()}
    commands = {
        name: subparsers.add_parser(name, help=COMMANDS[name], aliases=[short[name]] if name in short else [])
        for name in COMMANDS
        if name == command or name in others
    }
    if command in commands:
        commands[command].set_defaults(command=command)
        _function(command, f"{command}_arguments", "add_arguments")(commands[command])
    return parser, commands


def meant_command(word: str) -> str:
    """Returns a hint at the command that is probably meant by `word`, as `did_you_mean` does: by an agent, `to`."""
    from carryover.actions.agents import agent_id_of  # only needed for misspellings

    if agent_id_of(word):
        return f"; did you mean 'to {word}'?"
    return did_you_mean(_EXPECTED.get(word.lower(), word), COMMANDS)


def _run(arguments: list[str], *, is_process: bool = False) -> int:
    """Runs a command. `is_process`: the process was started for it alone."""
    if "_ARGCOMPLETE" in os.environ:  # a shell asks at a Tab
        _complete()
    first = next((argument for argument in arguments if not argument.startswith("-")), None)
    command = ALIASES.get(first, first) if first is not None else None
    gc.disable()  # nothing loaded now is garbage: to look for some would take an eighth of a short command
    try:
        parser, commands = build_parser(command)
        if is_process:
            gc.freeze()  # nor is it looked at later, or when the process ends
    finally:
        gc.enable()
    try:
        if command is not None and command not in COMMANDS:
            meant = meant_command(command) or "; `carryover help` lists all"
            parser.error(f"there is no command {command!r}{meant}")
        args = _parsed(parser, commands, arguments, first)
    except SystemExit as stop:  # argparse has printed its help
        return stop.code if isinstance(stop.code, int) else ExitCode.USAGE
    if args.command is not None:
        code: int | None = _function(args.command, f"run_{args.command}", "run")(args)
        return code or ExitCode.OK
    from carryover.past.context import is_home_here  # the sessions that follow need it, too

    # Without a command, the sessions of this project are listed or, if there are none, all; at home all are.
    if is_home_here():
        return _run(["sessions", "--all", "--first-look"])
    try:
        return _run(["sessions"])
    except UserError as error:
        if error.code != ExitCode.NOTHING_FOUND:
            raise
    code = _run(["sessions", "--all", "--first-look"])
    warn("No session is recorded for this folder: the newest of all are listed.")
    return code


def _complete() -> None:
    from carryover.faces.cli.completions import complete

    words = (ALIASES.get(word, word) for word in os.environ.get("COMP_LINE", "").split())
    command = next((word for word in words if word in COMMANDS), None)
    parser, commands = build_parser(command, others=COMMANDS)
    complete(parser, commands[command].declared if command is not None else (), COMMANDS)


def _parsed(
    parser: CommandParser, commands: Mapping[str, CommandParser], arguments: list[str], first: str | None
) -> argparse.Namespace:
    """Parses the arguments, `first` of which names the command. Raises UsageError, or SystemExit after their help."""
    before = arguments[: arguments.index(first) + 1] if first is not None else []
    if JSON in before:
        arguments = [*(word for word in before if word != JSON), JSON, *arguments[len(before) :]]
    args, unknown = parser.parse_known_args(arguments)
    # argparse leaves them over too, but below only what follows the command is looked at.
    if misplaced := [word for word in before[:-1] if word != JSON]:
        parser.error(f"unrecognized arguments: {' '.join(misplaced)}; options of `{parser.prog} {first}` follow it")
    if unknown and args.command is not None:
        # argparse takes all positional arguments at the first one; those after an option are left over.
        after = arguments[arguments.index(first or args.command) + 1 :]
        # Python 3.11 warns of words that are there already, though there are none.
        known = argparse.Namespace(**{name: value for name, value in vars(args).items() if value != []})
        args, unknown = commands[args.command].parse_known_intermixed_args(after, known)
    if unknown:
        commands.get(args.command, parser).unknown(unknown)
    if args.command is None and args.json:
        parser.error(f"{JSON} needs a command, as in `carryover sessions {JSON}`")
    return args


def _function(command: str, special: str, usual: str) -> Callable[..., Any]:
    _load_msgspec()
    module = importlib.import_module(f"carryover.faces.cli.{_MODULES.get(command, command)}")
    function: Callable[..., Any] = getattr(module, special, None) or getattr(module, usual)
    return function


def _load_msgspec() -> None:
    """Imports what nearly every command needs, but not `typing_extensions` with it, if that is installed: it would be a
    tenth of a short command, and of it msgspec needs only what is in `typing` too."""
    if "msgspec" in sys.modules or "typing_extensions" in sys.modules:
        return
    sys.modules["typing_extensions"] = None  # type: ignore[assignment]  # so Python says that there is none
    try:
        import msgspec  # noqa: F401
    finally:
        del sys.modules["typing_extensions"]  # others may need it


if __name__ == "__main__":
    sys.exit(main())
