"""`carryover note` records a text from outside, such as the answer of a web chat."""

from __future__ import annotations

import argparse
from typing import Final

from carryover.errors import ExitCode
from carryover.faces.cli.arguments import describe, flag
from carryover.terminal.output import print_result

DESCRIPTION: Final = """\
Records a text from outside, such as the answer of a web chat to what `carryover
export` made: from FILE, or from standard input. The next agent sees a line in
the handoff that names it, marked as a second opinion: not what you said, and
not what an agent did. `carryover show ID` prints it, `carryover forget ID`
removes it, with the id that is printed here. Secrets are taken out."""

EXAMPLES: Final = """\
  carryover note answer.md --from chatgpt
  pbpaste | carryover note --from gemini --title "On the cache\""""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument(
        "file", metavar="FILE", nargs="?", default="-", help="the text (default, and `-`: standard input)"
    )
    parser.add_argument("--from", dest="source", metavar="NAME", help="who wrote it: a chat's id or any name")
    parser.add_argument("--title", metavar="TEXT", help="what it is about (default: its first line)")
    parser.add_argument("--project", metavar="DIR", help="a folder of the project (default: this one)")
    flag(parser, "--json", "print what was done as JSON")


def run(args: argparse.Namespace) -> None:
    from carryover.actions.noting import note

    noted = note(args.file, args.project, args.source, args.title)
    where = f"`carryover show {noted.session}` prints it"
    lines = [f"· Recorded already as {noted.session}; {where}."]
    if noted.new:
        then = f"the next agent finds it in the handoff, and {where}."
        lines = [f"✓ {noted.title}", f"  Recorded as {noted.session}: {then}"]
    print_result(args, noted, lines)
