"""Finds what is wrong on this machine and repairs what is safe to repair."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from carryover.how_installed import how_installed
from carryover.past.context import now_ms, state_dir
from carryover.past.diagnose.checks import findings
from carryover.past.diagnose.fix import Repair, repair
from carryover.past.diagnose.gather import gather
from carryover.past.diagnose.report import Finding

_GIT_S: Final = 1.0
"""How long git may take to say its version."""


class Examined(NamedTuple):
    """The result of a check-up."""

    healthy: bool
    """Whether nothing is wrong, even if something is left for the user to do."""
    findings: tuple[Finding, ...]
    """What was found after the repairs, most severe first."""
    repairs: tuple[Repair, ...]
    update: str
    """The command that updates Carryover."""


def examine(*, fix: bool) -> Examined:
    """Checks everything; with `fix`, repairs what is safe to repair and checks again."""
    found = _found()
    wanted = {finding.fix for finding in found if finding.fix is not None}
    repairs: tuple[Repair, ...] = ()
    if fix and wanted:
        repairs = repair(state_dir(), wanted)
        found = _found()
    healthy = not any(finding.level == "wrong" for finding in found)
    return Examined(healthy, found, repairs, how_installed().update)


def issue_report() -> str:
    """Returns what a user can paste into an issue: what the check-up found, without content, paths or names."""
    import platform  # with the modules below, needed by no other check-up
    import sqlite3

    from carryover.config import settings_or_defaults
    from carryover.past.diagnose.for_issue import System, report_for_issue
    from carryover.probe.git import output_of

    state = state_dir()
    report = gather(state, Path.home(), inspect=True)
    config, _ = settings_or_defaults(state)
    git = output_of(Path.home(), "version", timeout_s=_GIT_S) or b""
    system = System(
        name=platform.system(),
        release=platform.release(),
        machine=platform.machine(),
        python=platform.python_version(),
        sqlite=sqlite3.sqlite_version,
        git=git.decode("ascii", "replace"),
        installed_by=how_installed().by,
    )
    return report_for_issue(report, config, findings(report), system, now_ms())


def _found() -> tuple[Finding, ...]:
    return findings(gather(state_dir(), Path.home(), inspect=True))
