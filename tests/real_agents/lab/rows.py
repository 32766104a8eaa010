"""The table at the end of a run: a line for each row, then what it showed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pytest

MARKER: Final = "real_agents"


@dataclass(frozen=True, slots=True)
class Row:
    """What a row tells the table: which client ran, and what it showed."""

    _record: Callable[[str, object], None]

    def client(self, name: str) -> None:
        self._record("client", name)

    def shown(self, fact: str) -> None:
        self._record("shown", fact)


def write_table(reporter: pytest.TerminalReporter) -> None:
    """Nothing where no row was collected."""
    rows = [
        (outcome, report)
        for outcome in ("passed", "failed", "error", "skipped")
        for report in reporter.stats.get(outcome, [])
        if MARKER in report.keywords
    ]
    if not rows:
        return
    reporter.section("real agents")
    for outcome, report in sorted(rows, key=lambda row: str(row[1].nodeid)):
        for line in _lines(outcome, report):
            reporter.line(line)
    skipped = sum(outcome == "skipped" for outcome, _ in rows)
    reporter.line(f"{len(rows) - skipped} rows RAN, {skipped} SKIPPED. A skipped row proves nothing.")


def _lines(outcome: str, report: pytest.TestReport) -> list[str]:
    told = [(kind, str(value)) for kind, value in report.user_properties]
    file, _, test = report.nodeid.removeprefix("tests/real_agents/").partition("::")
    name = f"{file.removesuffix('.py').replace('test_', '')}: {test.removeprefix('test_').replace('_', ' ')}"
    if outcome == "skipped":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        return [f"SKIPPED  {name}: {reason.removeprefix('Skipped: ')}"]
    clients = [value for kind, value in told if kind == "client"]
    failed = [] if outcome == "passed" else ["FAILED"]
    head = "  ".join([name, *clients, f"{report.duration:.1f} s", *failed])
    return [f"RAN      {head}", *(f"           {value}" for kind, value in told if kind == "shown")]
