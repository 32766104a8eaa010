"""`carryover doctor`: finds problems, explains why they matter and what to do, and repairs what is safe to repair."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from carryover.actions.context import state_dir
from carryover.cli.arguments import describe
from carryover.errors import ExitCode
from carryover.terminal.output import BOLD, YELLOW, counted, paint, print_json, print_lines

if TYPE_CHECKING:
    from carryover.diagnose.fix import Repair
    from carryover.diagnose.report import Finding

DESCRIPTION: Final = """\
Checks everything that has to work together: the daemon and its service, the
port, hooks in your agents' settings, transcripts, pointers in your projects,
the ledger, the disk. Says what is wrong, why it matters and what to do; with
--fix it repairs what is safe to repair. Otherwise it changes nothing. The exit
code is 0 if nothing is wrong, also where something is left for you to do, such
as a review of new hooks."""

EXAMPLES: Final = """\
examples:
  carryover doctor          show problems, if there are any
  carryover doctor --fix    repair what is safe, then check again
  carryover doctor --json   the same as data
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES)
    parser.add_argument(
        "--fix", action="store_true", help="repair what is safe: hooks, service, file permissions, ledger"
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(args: argparse.Namespace) -> int:
    from carryover.diagnose.checks import findings
    from carryover.diagnose.fix import repair
    from carryover.diagnose.gather import gather
    from carryover.install.how_installed import how_installed, runnable, version_line

    state, home = state_dir(), Path.home()
    found = findings(gather(state, home, inspect=True))
    repairs: tuple[Repair, ...] = ()
    if args.fix and any(finding.fix for finding in found):
        repairs = repair(state, {finding.fix for finding in found if finding.fix is not None})
        found = findings(gather(state, home, inspect=True))
    healthy = not any(finding.level == "wrong" for finding in found)
    if args.json:
        print_json({"healthy": healthy, "findings": found, "repairs": repairs, "update": how_installed().update})
    else:
        print_lines(map(runnable, lines(found, repairs)))
        print(f"\n{version_line('carryover')}\nTo upgrade: {how_installed().update}; then `carryover refresh`.")
    return ExitCode.OK if healthy else ExitCode.FAILED


def lines(found: Sequence[Finding], repairs: Sequence[Repair]) -> Iterator[str]:
    """Yields the report for people: the repairs that were made, then the findings."""
    for done in repairs:
        yield f"✓ {done.did}" if done.problem is None else f"✗ {done.problem}"
    wrong = sum(finding.level == "wrong" for finding in found)
    todo = sum(finding.level == "todo" for finding in found)
    left = f" {counted(todo, 'thing')} left for you to do." if todo else ""
    yield paint(f"{counted(wrong, 'problem')}." if wrong else "No problems found.", BOLD) + left
    for finding in found:
        yield ""
        mark = {"wrong": paint("✗", YELLOW), "todo": "☐", "note": "·"}[finding.level]
        yield f"{mark} {finding.what}"
        yield f"  {finding.why}"
        yield f"  → {finding.do}"
