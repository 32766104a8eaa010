"""Argument parsing shared by all commands: exit codes in the help text, value checks, times."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, NoReturn

from carryover.errors import ExitCode, UserError
from carryover.terminal.output import can_ask, confirmed, did_you_mean, print_error, terminal_width

if TYPE_CHECKING:
    from datetime import datetime

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
"""The meaning of each exit code of `carryover` and `carryoverd`."""


TIMES: Final = "a date or time (2026-11-20, 2026-11-20T14:30, yesterday), or how long ago: 30m, 2h, 3d"
"""Help text for options whose values `moment` parses."""

_AGO: Final = re.compile(r"(\d{1,6}) ?(s|m|min|h|d|w)(?: ago)?")
_UNITS_S: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LONGEST_S: Final = 10 * 366 * 86_400
_DAYS_BACK: Final = {"today": 0, "yesterday": 1}
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")


class CommandParser(argparse.ArgumentParser):
    """A parser that suggests the option that was probably meant, and prints help text with its line breaks."""

    def __init__(self, **options: Any) -> None:
        self.declared: list[argparse.Action] = []
        super().__init__(**options, formatter_class=_as_written, allow_abbrev=False)

    def add_argument(self, *names: str, **options: Any) -> argparse.Action:
        """Adds an argument and records it in `declared`."""
        action = super().add_argument(*names, **options)
        self.declared.append(action)
        return action

    def error(self, message: str) -> NoReturn:
        """Prints the usage and the message, and exits."""
        self.print_usage(sys.stderr)
        print_error(f"{self.prog}: error: {message}")
        self.exit(ExitCode.USAGE)

    def unknown(self, arguments: Iterable[str]) -> NoReturn:
        """Exits with a usage error about `arguments` that the command does not accept."""
        given = list(arguments)
        options = [name for action in self.declared for name in action.option_strings]
        meant = next((hint for word in given if (hint := did_you_mean(word.partition("=")[0], options))), "")
        self.error(f"unrecognized arguments: {' '.join(given)}{meant}")


class ShowVersion(argparse.Action):
    """Prints the version, how it was installed and where. That is found out only now, as it takes a while."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from carryover.install.how_installed import version_line

        print(version_line(parser.prog))
        parser.exit()


def _as_written(prog: str) -> argparse.HelpFormatter:
    # argparse would find the width with a module that costs start-up time, at each argument that is added.
    return argparse.RawDescriptionHelpFormatter(prog, width=min(terminal_width() or WIDEST, WIDEST) - 2)


def exit_code_help(*codes: ExitCode) -> str:
    """Returns the help lines that list a command's exit codes."""
    return "exit codes:\n" + "".join(f"  {code:<4} {MEANING[code]}\n" for code in codes)


_ALWAYS: Final = (ExitCode.OK, ExitCode.FAILED, ExitCode.USAGE, ExitCode.INTERRUPTED)


def describe(parser: argparse.ArgumentParser, description: str, examples: str, *codes: ExitCode) -> None:
    """Sets a command's description, examples and exit codes (`codes`, plus those that every command has)."""
    parser.description = description
    parser.epilog = f"{examples}\n{exit_code_help(*sorted((*_ALWAYS, *codes)))}"


def agreed(question: str, done: str, *, ask: bool) -> bool:
    """Whether the user agrees; without `ask` there is no question. `done`: what is else `written`, `imported`...

    Raises UserError (REFUSED) if there is no terminal to ask on.
    """
    if ask and not can_ask():
        raise UserError(
            f"There is no terminal to ask on, so nothing was {done}. Run it on a terminal, or with --yes.",
            ExitCode.REFUSED,
        )
    return not ask or confirmed(f"{question} [y/N]")


def positive(text: str) -> int:
    """Parses a number of at least 1; an argparse type, so its error becomes a usage message."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def moment(text: str, now: datetime, *, end_of_day: bool = False) -> datetime:
    """Parses a date, a time, or an age relative to `now`. A date means its first moment, or its last with `end_of_day`.

    Raises UserError (USAGE) for anything else.
    """
    from datetime import datetime, timedelta

    given = text.strip().lower()
    try:
        if found := _AGO.fullmatch(given):
            return now - timedelta(seconds=int(found[1]) * _UNITS_S[found[2]])
        if given == "now":
            return now
        if given in _DAYS_BACK:
            given = (now.astimezone() - timedelta(days=_DAYS_BACK[given])).date().isoformat()
        at = datetime.fromisoformat(given.upper())
        if end_of_day and _DATE.fullmatch(given):
            at += timedelta(days=1)
        return at.astimezone()
    except (ValueError, OverflowError) as error:
        raise UserError(
            f"{text!r} is not a date or time. Write 2026-11-20, 2026-11-20T14:30, yesterday, or how long ago: "
            "30m, 2h, 3d. Nothing was changed.",
            ExitCode.USAGE,
        ) from error


def seconds(text: str) -> int:
    """Parses a length of time such as `7d` as seconds; an argparse type, so its error becomes a usage message."""
    found = _AGO.fullmatch(text.strip().lower())
    length = int(found[1]) * _UNITS_S[found[2]] if found is not None else 0
    if not 0 < length <= _LONGEST_S:
        raise argparse.ArgumentTypeError(f"{text!r} is no length of time; write 12h, 7d or 2w, ten years at most")
    return length


def moment_ms(text: str) -> int:
    """Parses a time as UTC ms; an argparse type, so its error becomes a usage message."""
    from datetime import datetime

    try:
        return int(moment(text, datetime.now().astimezone()).timestamp() * 1000)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error).removesuffix(" Nothing was changed.")) from error
