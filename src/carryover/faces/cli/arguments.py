"""Argument parsing shared by all commands: exit codes in the help text, agents, numbers, times."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn

from carryover.errors import ExitCode, UserError
from carryover.terminal.output import columns, did_you_mean, say, terminal_width, wrapped

if TYPE_CHECKING:
    from datetime import datetime

vars(argparse)["_"] = str  # it would look for a translation of each of its words, of which there is none: 2 ms
WIDEST: Final = 100
PROJECT: Final = "--project"
"""An option where a command takes words or an id; the other commands take a project's folder as it is."""
_STANDS_ALONE: Final = {PROJECT: ("PROJECT", "a project"), "--session": ("ID", "a session")}
"""What some commands take as an option and others as it is: the argument's name there, and what it names."""
_ELSEWHERE: Final = {
    ("carryover", "--all"): "carryover sessions --all",
    **dict.fromkeys((("carryover logs", "-f"), ("carryover logs", "--follow")), "tail -F ~/.carryover/carryoverd.log"),
}
"""What does what is expected of an option that a command does not have."""

MEANING: Final = {
    ExitCode.OK: "done",
    ExitCode.FAILED: "failed; the message says what was kept",
    ExitCode.USAGE: "wrong arguments",
    ExitCode.NOTHING_FOUND: "nothing found",
    ExitCode.NOT_RUNNING: "the daemon is not running",
    ExitCode.REFUSED: "refused; nothing was changed",
    ExitCode.INTERRUPTED: "interrupted (Ctrl-C), or you said no",
}
"""The meaning of each exit code of `carryover` and `carryoverd`."""

TIMES: Final = "a date or time (2026-11-20, 2026-11-20T14:30, yesterday), or how long ago: 30m, 2h, 3d"
"""Help text for options whose values `moment_ms` parses."""

_ALWAYS: Final = (ExitCode.OK, ExitCode.FAILED, ExitCode.USAGE, ExitCode.INTERRUPTED)
_AGO: Final = r"(\d{1,6}) ?(?:([smhdw])|(s)ec(?:ond)?s?|(m)in(?:ute)?s?|(h)ours?|(d)ays?|(w)eeks?)(?: ago)?"
_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DAYS_BACK: Final = {"today": 0, "yesterday": 1}
_DATE: Final = r"\d{4}-\d\d-\d\d"


class UsageError(UserError):
    """Arguments that cannot be meant; `shown` holds the lines that a person gets: how the command is used, and why.

    >>> error = UsageError("usage: carryover show ID", "carryover show", "which session?")
    >>> error.shown
    ('usage: carryover show ID', 'carryover show: error: which session?')
    """

    def __init__(self, usage: str, prog: str, message: str) -> None:
        super().__init__(message, ExitCode.USAGE)
        self.shown = (*usage.splitlines(), f"{prog}: error: {message}")


class CommandParser(argparse.ArgumentParser):
    """A parser that suggests what was probably meant, and prints help text with its line breaks.

    >>> parser = CommandParser(prog="carryover sync")
    >>> _ = parser.add_argument("action", choices=("init", "status"))
    >>> parser.parse_args(["inti"])
    Traceback (most recent call last):
    carryover.faces.cli.arguments.UsageError: argument action: invalid choice: ...; did you mean 'init'?
    """

    def __init__(self, **options: Any) -> None:
        self.declared: list[argparse.Action] = []
        """The arguments that were added, with their help."""
        # argparse would find the width with a module that costs start-up time, at each argument that is added.
        width = min(terminal_width() or WIDEST, WIDEST) - 2
        formatter = partial(argparse.RawDescriptionHelpFormatter, width=width)
        super().__init__(**options, formatter_class=formatter, allow_abbrev=False)
        self.color = False  # Python 3.14 colours help: the codes would count as columns and get into messages

    def add_argument(self, *names: str, **options: Any) -> argparse.Action:
        """Adds an argument, which is one of `declared` then. Agents and times are parsed as such."""
        usual: dict[str, Callable[[str], object]] = {"AGENT": recorded_agent, "WHEN": moment_ms}
        if (metavar := options.get("metavar")) in usual:
            options.setdefault("type", usual[metavar])
        action = super().add_argument(*names, **options)
        self.declared.append(action)
        return action

    def format_help(self) -> str:
        return _fitted(super().format_help(), terminal_width())

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Raises ArgumentError if the argument has choices and `value` is none of them."""
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            error.message += did_you_mean(str(value), [str(choice) for choice in action.choices or ()])
            raise

    def error(self, message: str) -> NoReturn:
        """Raises UsageError."""
        raise UsageError(self.format_usage(), self.prog, message)

    def unknown(self, arguments: Iterable[str]) -> NoReturn:
        """Raises UsageError about `arguments` that the command does not accept."""
        words = list(arguments)
        options = [name for one in self.declared if one.help != argparse.SUPPRESS for name in one.option_strings]
        hints = (*(self._hint(word, options) for word in words), f"; `{self.prog} --help` says what it takes")
        self.error(f"unrecognized arguments: {' '.join(words)}{next(filter(None, hints))}")

    def _hint(self, word: str, options: Sequence[str]) -> str:
        name = word.partition("=")[0]
        if meant := _ELSEWHERE.get((self.prog, name)):
            return f"; `{meant}` does that"
        metavar, what = _STANDS_ALONE.get(name, (None, ""))
        if metavar and any(action.metavar == metavar and not action.option_strings for action in self.declared):
            return f"; {what} is named without {name} here"
        if PROJECT in options and (word == "." or "/" in word):
            return f"; a project is named by {PROJECT} DIR here"
        long = {option.removeprefix("--"): option for option in options if option.startswith("--")}
        # Two names are not alike because both begin with dashes.
        return did_you_mean(name.removeprefix("--"), long, long) if name.startswith("--") else ""


def _fitted(text: str, width: int | None) -> str:
    """Wraps help text for a terminal that is narrower than its lines; lines that follow each other at the margin are
    one paragraph."""
    lines: list[str] = []
    for line in text.split("\n"):
        if lines and line[:1].strip() and lines[-1][:1].strip():
            lines[-1] += f" {line}"
        else:
            lines.append(line)
    if width is None or all(columns(line) <= width for line in text.split("\n")):
        return text
    return "\n".join(wrapped(line, width) for line in lines)


class ShowVersion(argparse.Action):
    """Prints the version, how it was installed and where. That is found out only now, as it takes a while.

    parser.add_argument("--version", action=ShowVersion, nargs=0)
    parser.parse_args(["--version"])  # prints, and exits
    """

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from carryover.actions.version import version_line

        say(version_line(parser.prog), fits=True)
        parser.exit()


def exit_code_help(*codes: ExitCode) -> str:
    """Returns the help lines that list a command's exit codes."""
    return "exit codes:\n" + "".join(f"  {code:<4} {MEANING[code]}\n" for code in codes)


def describe(parser: argparse.ArgumentParser, description: str, examples: str, *codes: ExitCode) -> None:
    """Sets a command's description, examples and exit codes (`codes`, plus those that every command has)."""
    parser.description = description
    parser.epilog = f"examples:\n{examples}\n\n{exit_code_help(*sorted((*_ALWAYS, *codes)))}"


def flag(parser: argparse.ArgumentParser, *names: str) -> None:
    """Adds an option without a value; the last of `names` is its help text."""
    parser.add_argument(*names[:-1], action="store_true", help=names[-1])


def add_limit_argument(parser: argparse.ArgumentParser, *, usual: int, what: str) -> None:
    """Adds an option for the number of listed items, `usual` by default."""
    parser.add_argument("-n", "--limit", type=positive, default=usual, metavar="N", help=f"{what} (default: {usual})")


def add_session_argument(parser: argparse.ArgumentParser) -> None:
    """Adds the session that a command is about."""
    from carryover.model import LAST

    named = "session id, or as much of its beginning as is unique (default: `last`, the newest of an agent here)"
    parser.add_argument("id", metavar="ID", nargs="?", default=LAST, help=named)


def known_agent(text: str) -> str:
    """Returns the id of the agent that `text` names by its id or an everyday name such as `claude`."""
    from carryover.actions import agents

    if agent_id := agents.agent_id_of(text.strip()):
        return agent_id
    names = [name for agent in agents.agents_to_list() for name in (agent.id, *agent.aliases)]
    meant = did_you_mean(text.strip(), names)
    raise argparse.ArgumentTypeError(f"Carryover knows no agent {text!r}{meant or '.'} `carryover agents` lists all.")


def recorded_agent(text: str) -> str:
    """Returns the id of an agent that may have been recorded: a known one, or one that the settings declare."""
    from carryover.actions import agents

    name = text.strip()
    return name if not agents.agent_id_of(name) and name in agents.declared_agents() else known_agent(text)


def agents_in_list(text: str) -> tuple[str, ...]:
    """Returns the ids of the agents in a list such as `claude,codex`."""
    ids = tuple(dict.fromkeys(known_agent(part) for part in text.split(",") if part.strip()))
    if not ids:
        raise argparse.ArgumentTypeError("no agent is named; `carryover uninstall` takes every agent's hooks out")
    return ids


def startable_agents() -> str:
    """Lists the agents that take a first prompt, each with its other names: `claude-code (claude), codex`."""
    from carryover.actions import agents

    listed = agents.agents_to_list(startable=True)
    return ", ".join(f"{one.id} ({', '.join(one.aliases)})" if one.aliases else one.id for one in listed)


_FILLED: Final = "fill N tokens, as estimated, 600 to 50,000; above 1,800 with the conversation, from its end backwards"


def add_tokens_argument(parser: argparse.ArgumentParser) -> None:
    """Adds `--tokens`, the budget of a handoff; None if it is not given."""
    parser.add_argument("--tokens", metavar="N", type=handoff_tokens, help=_FILLED)


def handoff_tokens(text: str) -> int:
    """Parses the budget of a handoff, in tokens."""
    return positive(text, 600, 50_000)  # as numbers, since what makes handoffs is slow to load


def positive(text: str, least: int = 1, most: int | None = None) -> int:
    """Parses a number, such as `5,000`, from `least` to `most`; without `most`, one that is larger than the ledger
    knows is the largest that it does."""
    digits = text.replace(",", "").replace("_", "")
    number = min(int(digits), sys.maxsize) if re.fullmatch("[0-9]{1,4000}", digits) else 0
    if number < least or (most is not None and number > most):
        possible = f"of at least {least:,}" if most is None else f"from {least:,} to {most:,}"
        raise argparse.ArgumentTypeError(f"must be a number {possible}")
    return number


def moment_ms(text: str, *, end_of_day: bool = False, now: datetime | None = None) -> int:
    """Parses a date, a time, or an age as UTC ms. A date means its first moment, or its last with `end_of_day`."""
    from datetime import datetime, timedelta

    words, now = text.strip().lower(), now or datetime.now().astimezone()
    try:
        if words in _DAYS_BACK:
            words = (now.astimezone() - timedelta(days=_DAYS_BACK[words])).date().isoformat()
        if ago := re.fullmatch(_AGO, words):
            moment = now - timedelta(seconds=int(ago[1]) * _UNITS_S[ago[ago.lastindex or 2]])
        else:
            moment = now if words == "now" else datetime.fromisoformat(words.upper())
        if end_of_day and re.fullmatch(_DATE, words):
            moment += timedelta(days=1)
        return int(moment.astimezone().timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a date or time. Write 2026-11-20, 2026-11-20T14:30, yesterday, or how long ago: "
            "30m, 2h, 3d."
        ) from error
