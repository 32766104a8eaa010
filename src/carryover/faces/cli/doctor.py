"""`carryover doctor`: what is wrong on this machine, and its repair."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final

from carryover.actions.version import runnable, update_command, version_line
from carryover.errors import ExitCode
from carryover.faces.cli.arguments import describe, flag
from carryover.terminal.output import BOLD, YELLOW, counted, paint, print_result

if TYPE_CHECKING:
    from carryover.actions.check_up import Repair
    from carryover.past.findings.checks import Finding

DESCRIPTION: Final = """\
Checks everything that has to work together: the daemon and its service, the
port, hooks in your agents' settings, transcripts, pointers in your projects,
the ledger, the disk. Says what is wrong, why it matters and what to do; with
--fix it repairs what is safe to repair. Otherwise it changes nothing. The exit
code is 0 if nothing is wrong, also where something is left for you to do, such
as a review of new hooks."""

EXAMPLES: Final = """\
  carryover doctor          show problems, if there are any
  carryover doctor --fix    repair what is safe, then check again
  carryover doctor --json   the same as data"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.REFUSED)
    flag(parser, "--fix", "repair what is safe: hooks, service, file permissions, ledger")
    flag(parser, "--json", "print the findings as JSON")


def run(args: argparse.Namespace) -> int:
    from carryover.actions.check_up import check_everything

    found, repairs = check_everything(fix=args.fix)
    healthy, update = not any(finding.level == "wrong" for finding in found), update_command()
    data = {"healthy": healthy, "findings": found, "repairs": repairs, "update": update}
    about = ("", version_line("carryover"), f"To upgrade: {update}; then `carryover refresh --yes`.")
    print_result(args, data, map(runnable, (*doctor_lines(found, repairs), *about)))
    return ExitCode.OK if healthy else ExitCode.FAILED


def doctor_lines(findings: Sequence[Finding], repairs: Sequence[Repair]) -> Iterator[str]:
    """Yields the report for people: the repairs that were made, then the findings; neighbours that mean the same, such
    as one for each project, with one explanation."""
    for repair in repairs:
        yield f"✓ {repair.did}" if repair.problem is None else f"✗ {repair.problem}"
    wrong = sum(finding.level == "wrong" for finding in findings)
    todo = sum(finding.level == "todo" for finding in findings)
    left = f" {counted(todo, 'thing')} left for you to do." if todo else ""
    yield paint(f"{counted(wrong, 'problem')}." if wrong else "No problems found.", BOLD) + left
    for (level, why, do), alike in groupby(findings, key=lambda one: (one.level, one.why, one.do)):
        yield ""
        mark = {"wrong": paint("✗", YELLOW), "todo": "☐", "note": "·"}[level]
        yield from (f"{mark} {finding.what}" for finding in alike)
        yield f"  {why}"
        yield f"  → {do}"
