"""`carryover config`: shows the settings and where each comes from, or changes one of them."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from carryover.actions.settings import DEFAULT, Changed, change, ignored, setting, settings
from carryover.errors import ExitCode, UserError
from carryover.faces.cli.arguments import describe, flag
from carryover.terminal.output import BOLD, paint, print_json, print_result, say, terminal_width, warn
from carryover.terminal.paths import short_path
from carryover.terminal.table import Column, entry_lines, table_lines
from carryover.text.harmless import harmless

DESCRIPTION: Final = """\
Shows all settings, each with its value, whether it is the default or comes from
config.toml, and what it means; with KEY the value alone. With a VALUE it sets
KEY: the value is checked first, comments and every other byte of the file stay,
and a running daemon takes it at once. Unknown keys in the file, or in the
.carryover.toml of the project here, are named and ignored. docs/guide.md
describes each setting."""

EXAMPLES: Final = """\
  carryover config                            all of them
  carryover config resume.mode                one value
  carryover config resume.mode brief          change it
  carryover config projects.exclude '~/clients/*' '~/old'
                                              a list of several values
  carryover config --unset resume.depth       back to the default"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("key", metavar="KEY", nargs="?", help="a setting, such as resume.mode")
    parser.add_argument("value", metavar="VALUE", nargs="*", help="its new value; several for a list")
    flag(parser, "--unset", "take KEY out of the file, so that its default holds")
    flag(parser, "--json", "print the settings, or the one, as JSON")


def run(args: argparse.Namespace) -> None:
    if args.unset or args.value:
        if args.key is None or (args.unset and args.value):
            raise UserError("--unset needs a KEY, and no VALUE.", ExitCode.USAGE)
        done = change(args.key, None if args.unset else args.value)
        if args.json:
            print_json(done.after)
        else:
            say(_done(done), *_withdrawn(done))
        if done.not_taken is not None:
            warn(done.not_taken)
    elif args.key is None:
        _print_all(args)
    else:
        _print_one(args)


def _done(done: Changed) -> str:
    key, value = done.after.key, done.after.value
    is_same = msgspec.json.encode(done.before.value) == msgspec.json.encode(value)
    now = f"{key} = {_shown(value)}{', as before' if is_same else f' (was {_shown(done.before.value)})'}."
    if is_same and (key, value) == ("publish.pointers", "shared"):
        now += " What git took away since is written again when an agent next works there."
    return now if done.is_running or done.withdrawn else f"{now} carryoverd is not running; it holds when it starts."


def _withdrawn(done: Changed) -> Iterator[str]:
    if done.withdrawn:
        from carryover.faces.cli.install_report import withdrawn_lines

        yield from withdrawn_lines(done.withdrawn)


def _print_all(args: argparse.Namespace) -> None:
    rows = []
    listed = settings()
    for one in listed:
        is_set = one.origin != DEFAULT
        origin = short_path(one.origin) if is_set else DEFAULT
        rows.append((paint(one.key, BOLD) if is_set else one.key, _shown(one.value), origin, one.meaning))
    print_result(args, listed, _lines(rows), fits=True)
    for line in ignored():
        warn(f"⚠ {line}")


def _lines(rows: Iterable[tuple[str, str, str, str]]) -> Iterator[str]:
    """Yields a line for each setting; on a terminal, where a table has no room for the values, as many as it needs."""
    if terminal_width() is None:
        yield from table_lines([Column(title) for title in ("SETTING", "VALUE", "FROM", "MEANING")], rows)
        return
    for key, value, origin, meaning in rows:
        yield from entry_lines((f"{key} = {value}", origin, meaning))


def _print_one(args: argparse.Namespace) -> None:
    one = setting(args.key)
    if one.value is None and not args.json:
        raise UserError(f"{one.key} is not set.", ExitCode.NOTHING_FOUND)
    print_result(args, one, [_shown(one.value)], fits=True)


def _shown(value: Any) -> str:
    """Formats a value: text as it is, lists and tables as JSON."""
    if value is None:
        return "not set"
    return harmless(value) if isinstance(value, str) else msgspec.json.encode(value).decode()
