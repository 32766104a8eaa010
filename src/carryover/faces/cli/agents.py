"""`carryover agents`: lists the agents that Carryover knows, and checks one that a package brings."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Final

from carryover.errors import ExitCode, UserError
from carryover.faces.cli.arguments import describe, flag
from carryover.past.check.packages import OWN, Checked, KnownAgent, checked_package, every_agent
from carryover.terminal.output import counted, print_result
from carryover.terminal.paths import shell_word
from carryover.terminal.table import Column, table_lines

DESCRIPTION: Final = """\
Lists the agents that Carryover knows, and the package that each comes from. Any
package that is installed beside Carryover can bring one. If it can't be loaded
it is left out, and this list says why.

    check PACKAGE    hold an agent to the contract by its package's recordings"""

EXAMPLES: Final = """\
  carryover agents
  carryover agents check scribe-for-carryover"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND)
    parser.add_argument("action", metavar="check", nargs="?", help="check the agent of a package")
    parser.add_argument("package", metavar="PACKAGE", nargs="?", help="the package, its module, or the agent's id")
    flag(parser, "--json", "print the list, or the findings, as JSON")


def run(args: argparse.Namespace) -> int:
    if args.action not in (None, "check"):
        raise UserError(f"To check an agent: `carryover agents check {shell_word(args.action)}`.", ExitCode.USAGE)
    if args.action is None:
        known = every_agent()
        print_result(args, known, _listed(known), fits=True)
        return ExitCode.OK
    if args.package is None:
        raise UserError("Name the package: `carryover agents check PACKAGE`.", ExitCode.USAGE)
    found = checked_package(args.package)
    lines = (line for each in found for line in _lines(each))
    print_result(args, found, lines)
    return ExitCode.FAILED if any(each.findings for each in found) else ExitCode.OK


def _listed(known: list[KnownAgent]) -> Iterator[str]:
    heads = (Column("AGENT"), Column("NAME"), Column("FROM", least=20))
    yield from table_lines(heads, ([each.id, each.name, _origin(each)] for each in known))


def _origin(agent: KnownAgent) -> str:
    package = "Carryover" if agent.package == OWN else agent.package
    return f"{package}; left out: {agent.problem}" if agent.problem is not None else package


def _lines(found: Checked) -> Iterator[str]:
    findings = found.findings
    yield f"✗ {found.id}: {counted(len(findings), 'finding')}" if findings else f"✓ {found.id} keeps the contract"
    yield from (f"  {finding}" for finding in findings)
    if found.understood:
        yield f"  understood: {', '.join(counted(number, what) for what, number in found.understood.items())}"
