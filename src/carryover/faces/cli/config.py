"""`carryover config`: shows the settings and where each comes from, or changes one of them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from carryover.actions.settings import DEFAULT, change, ignored, named_setting, settings, shown, would_drop
from carryover.errors import ExitCode, UserError
from carryover.faces.cli.arguments import describe, flag
from carryover.past.context import state_dir
from carryover.terminal.output import BOLD, agree, counted, paint, print_json, put, say, warn
from carryover.terminal.paths import short_path

DESCRIPTION: Final = """\
Shows all settings, each with its value, whether it is the default or comes from
config.toml, and what it means; with KEY the value alone. With a VALUE it sets KEY: the value
is checked first, comments and every other byte of the file stay, and a running
daemon takes it at once. A limit of [retention] drops sessions when carryoverd
starts and once a day: those that it is going to drop are listed, and on a
terminal you are asked. Elsewhere --yes is needed. What is unknown in the file,
or in the .carryover.toml of the project here, is named and ignored.
docs/guide.md describes each setting."""

EXAMPLES: Final = """\
  carryover config                            all of them
  carryover config resume.mode                one value
  carryover config resume.mode brief          change it
  carryover config projects.exclude '~/clients/*' '~/old'
                                              a list of several values
  carryover config --unset publish.folder     back to the default"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("key", metavar="KEY", nargs="?", help="a setting, such as resume.mode")
    parser.add_argument("value", metavar="VALUE", nargs="*", help="its new value; several for a list")
    flag(parser, "--unset", "take KEY out of the file, so that its default holds")
    flag(parser, "--yes", "ask nothing")
    flag(parser, "--json", "print the settings, or the one, as JSON")


def run(args: argparse.Namespace) -> None:
    state = state_dir()
    if args.unset or args.value:
        if args.key is None or (args.unset and args.value):
            raise UserError("--unset needs a KEY, and no VALUE.", ExitCode.USAGE)
        if args.value:
            _ask_before_dropping(args)
        said = change(state, args.key, None if args.unset else args.value)
        if not args.json:
            say(said)
            return
    found = settings(state)
    if args.key is None:
        from carryover.terminal.table import Column, table_lines

        rows = []
        for setting in found:
            is_set = setting.origin != DEFAULT
            origin = short_path(setting.origin, Path.home()) if is_set else DEFAULT
            name = paint(setting.key, BOLD) if is_set else setting.key
            rows.append((name, shown(setting.value), origin, setting.meaning))
        heads = (
            Column("SETTING"),
            Column("VALUE", least=8),
            Column("FROM", least=7, keep_end=True),
            Column("MEANING"),
        )
        put(args, found, table_lines(heads, rows), fits=True)
        for line in ignored(state):
            warn(f"⚠ {line}")
        return
    setting = named_setting(args.key, found)
    if args.json:
        print_json(setting)
    elif setting.value is None:
        raise UserError(f"{setting.key} is not set.", ExitCode.NOTHING_FOUND)
    else:
        say(shown(setting.value), fits=True)


def _ask_before_dropping(args: argparse.Namespace) -> None:
    """Lists the sessions that the new setting would drop, if any, and asks. Raises UserError if the user says no."""
    from carryover.faces.cli.forget import MOST_LISTED, some_sessions

    dropped = would_drop(state_dir(), args.key, args.value, most=MOST_LISTED)
    if not dropped.number:
        return
    if not (args.json or args.yes):
        when = "when carryoverd starts the next time, or within a day"
        say(f"This drops {counted(dropped.number, 'session')} {when}:", *some_sessions(dropped.newest, dropped.number))
        say("Those whose transcripts still exist come back when you raise the limit. The others are gone for good.")
    agree(args, "Set it?")
