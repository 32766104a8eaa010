"""The table at the end of `make test-agents`: each row, each version that ran, and what was skipped."""

from types import SimpleNamespace
from typing import Any

import pytest

from real_agents.lab.rows import write_table


class Reporter:
    """What the table needs of pytest's terminal reporter."""

    def __init__(self, stats: dict[str, list[Any]], markexpr: str = "real_agents") -> None:
        self.stats = stats
        self.config = SimpleNamespace(getoption=lambda _: markexpr)
        self.lines: list[str] = []

    def section(self, title: str) -> None:
        self.lines.append(f"= {title}")

    def line(self, text: str) -> None:
        self.lines.append(text)


def report(name: str, duration: float = 0.0, *properties: tuple[str, str], reason: str = "") -> Any:
    return SimpleNamespace(
        keywords={"real_agents": 1},
        nodeid=f"lab/real_agents/handover/test_handover.py::test_{name}",
        duration=duration,
        user_properties=list(properties),
        longrepr=("file", 1, f"Skipped: {reason}"),
    )


def written(reporter: Any) -> list[str]:
    write_table(reporter)
    lines: list[str] = reporter.lines
    return lines


def test_each_row_is_told_and_each_version_that_ran_is_summed_up() -> None:
    a, b = ("client", "Claude Code 2.1.329"), ("client", "Codex CLI 0.169.0")
    passed = [report("one", 2.0, a, b, ("shown", "1 handoff")), report("two", 1.5, a, a)]
    skipped = [report("four", 0.0, b, reason="npm could not install it")]
    error = [report("five", 400.0, a)]
    stats = {"passed": passed, "failed": [report("three", 3.0, b, a)], "error": error, "skipped": skipped}
    lines = written(Reporter(stats))

    assert lines == [
        "= real agents",
        "ERROR    handover/handover: five",
        "SKIPPED  handover/handover: four: npm could not install it",
        "RAN      handover/handover: one  Claude Code 2.1.329 -> Codex CLI 0.169.0  2.0 s",
        "           1 handoff",
        "RAN      handover/handover: three  Codex CLI 0.169.0 -> Claude Code 2.1.329  3.0 s  FAILED",
        "RAN      handover/handover: two  Claude Code 2.1.329 -> Claude Code 2.1.329  1.5 s",
        "VERSION  Claude Code 2.1.329     3 rows    1 failed      6.5 s",
        "VERSION  Codex CLI 0.169.0       2 rows    1 failed      5.0 s",
        "3 rows RAN, 1 SKIPPED, 1 ERRORS. A row that did not run proves nothing.",
    ]


@pytest.mark.parametrize(("markexpr", "stats"), [("", {"passed": [report("one")]}), ("real_agents", {})])
def test_there_is_no_table_where_no_row_was_asked_for(markexpr: str, stats: dict[str, list[Any]]) -> None:
    assert written(Reporter(stats, markexpr)) == []
