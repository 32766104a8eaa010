"""Finds what is wrong on this machine and repairs what is safe to repair."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from carryover.actions.context import state_dir
from carryover.actions.diagnose.checks import findings
from carryover.actions.diagnose.fix import Repair, repair
from carryover.actions.diagnose.gather import gather
from carryover.actions.diagnose.report import Finding
from carryover.install.how_installed import how_installed


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


def _found() -> tuple[Finding, ...]:
    return findings(gather(state_dir(), Path.home(), inspect=True))
