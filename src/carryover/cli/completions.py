"""`carryover completions`: sets up completion of commands, options and values in bash, zsh or fish."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from carryover.cli.arguments import describe
from carryover.errors import ExitCode, UserError
from carryover.terminal.output import one_line

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

MOST_SESSIONS: Final = 60
MEANING_LIMIT: Final = 50

Values = Iterator[tuple[str, str]]
"""Completion values, each with its description."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES)
    parser.add_argument("shell", nargs="?", metavar="SHELL", choices=SHELLS, help=f"one of {', '.join(SHELLS)}")


def run(args: argparse.Namespace) -> int:
    if args.shell is None:
        raise UserError(f"Name the shell: {', '.join(SHELLS)}.", ExitCode.USAGE)
    from argcomplete.shell_integration import shellcode

    print(shellcode(["carryover"], use_defaults=False, shell=args.shell))
    return ExitCode.OK


def complete(
    parser: argparse.ArgumentParser, arguments: Iterable[argparse.Action], commands: Mapping[str, str]
) -> None:
    """Answers a completion request from the shell and exits. `arguments` are those of the command being typed."""
    import argcomplete

    values = {**_VALUES, "COMMAND": lambda _typed: iter(commands.items())}

    for action in arguments:
        if not action.choices:
            setattr(action, "completer", _completer(str(action.metavar), values))  # noqa: B010 (argcomplete looks there)
    argcomplete.autocomplete(parser, always_complete_options=False, validator=_begins)


def _begins(value: str, typed: str) -> bool:
    return value.lower().startswith(typed.lower())


def _completer(metavar: str, values: Mapping[str, Callable[[str], Values]]) -> Callable[..., Any]:
    from argcomplete.completers import DirectoriesCompleter, FilesCompleter

    def complete_values(prefix: str, **_context: object) -> dict[str, str]:
        try:
            found = {value: one_line(meaning, MEANING_LIMIT) for value, meaning in values[metavar](prefix)}
        except (UserError, OSError):  # completion must not print messages
            return {}
        return found

    if metavar in values:
        return complete_values
    known: Any = {"FILE": FilesCompleter, "NEW": DirectoriesCompleter}
    return known[metavar]() if metavar in known else lambda **_context: ()


def _sessions(_typed: str) -> Values:
    import time

    from carryover.actions.context import state_dir
    from carryover.actions.recorded import LAST
    from carryover.agents import agent_names
    from carryover.ledger.queries import connect_read_only, session_ids, sessions
    from carryover.ledger.short_ids import shortest_unique
    from carryover.model import id_in_command
    from carryover.terminal.output import ago

    with closing(connect_read_only(state_dir().ledger)) as db:
        rows, short = sessions(db, limit=MOST_SESSIONS), shortest_unique(session_ids(db))
    names, now_ms = agent_names(), int(time.time() * 1000)
    yield LAST, "the newest session of this project"
    for row in rows:
        if id_in_command(short[row.native_id]) != short[row.native_id]:
            continue
        what = row.title or Path(row.root or "").name
        yield short[row.native_id], f"{names.get(row.agent, row.agent)}, {ago(row.last_ms, now_ms)}, {what}"


def _agents(typed: str) -> Values:
    from carryover.agents import specs

    taken = typed[: typed.rfind(",") + 1]  # `--agents` takes several
    yield from ((taken + spec.id, spec.name) for spec in specs())


def _projects(typed: str) -> Values:
    from carryover.actions.context import state_dir
    from carryover.errors import visible
    from carryover.ledger.queries import connect_read_only, projects
    from carryover.paths import short_path

    with closing(connect_read_only(state_dir().ledger)) as db:
        roots = [project.root for project in projects(db)]
    roots = [root for root in roots if visible(root) == root]
    yield from ((root if typed.startswith("/") else short_path(root, Path.home()), "") for root in roots)


def _settings(_typed: str) -> Values:
    from carryover.actions.settings import setting_names

    yield from ((name, "") for name in setting_names())


def _times(_typed: str) -> Values:
    yield from ((when, "") for when in ("1h", "1d", "7d", "today", "yesterday"))


_VALUES: Final[dict[str, Callable[[str], Values]]] = {
    "ID": _sessions,
    "AGENT": _agents,
    "IDS": _agents,
    "PROJECT": _projects,
    "DIR": _projects,
    "OLD": _projects,
    "KEY": _settings,
    "WHEN": _times,
}
