"""What is wrong, told from the facts alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from carryover.install.checks import agents, hooks, recorded, running
from carryover.install.checks.finding import Finding
from carryover.install.facts import Facts

CHECKS: Final[tuple[Callable[[Facts], Iterator[Finding]], ...]] = (
    running.not_installed,
    running.daemon,
    running.service,
    running.port,
    hooks.hooks,
    agents.tools,
    recorded.projects,
    recorded.ledger,
    running.machine,
    running.settings,
)
"""Each finds nothing, or some things; in the order in which they are told."""


def findings(facts: Facts) -> tuple[Finding, ...]:
    """Everything that was found, the gravest first."""
    found = [finding for check in CHECKS for finding in check(facts)]
    return tuple(sorted(found, key=lambda finding: finding.level == "note"))
