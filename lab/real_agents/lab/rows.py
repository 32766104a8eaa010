"""Which clients a row runs with, and the table at the end of a run: each row, what it showed, the versions that ran."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import pytest

from real_agents.lab.product import SHOWN
from real_agents.lab.tool import tools

MARKER: Final = "real_agents"
DEBIAN_PACKAGES: Final = {
    "git": "git",
    "ip": "iproute2",
    "npm": "npm",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "tmux": "tmux",
    "unshare": "util-linux",
}


@cache
def missing() -> str:
    """What is missing and what to do about it; empty when nothing is."""
    if sys.platform != "linux":
        return "needs Linux (namespaces)"
    absent = [name for name in DEBIAN_PACKAGES if shutil.which(name) is None]
    if absent:
        packages = " ".join(sorted({DEBIAN_PACKAGES[name] for name in absent}))
        return f"needs {', '.join(absent)}: apt-get install {packages}"
    if os.geteuid() != 0:
        return "needs root for the namespaces: run `make test-agents` as root"
    tried = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "true"], capture_output=True, text=True)
    if tried.returncode:
        return f"this machine allows no namespaces ({tried.stderr.strip()}): run it outside a container"
    private = [str(path) for path in SHOWN if not path.stat().st_mode & 0o005]
    if private:
        return f"the box's user must be able to read {', '.join(private)}: chmod o+rx, or use another checkout"
    return ""


def each_version(
    *ids: str, without: Sequence[str] = (), beside: Sequence[tuple[str, str]] = ()
) -> pytest.MarkDecorator:
    """Runs a row with each chosen version of these agents but for those in `without`, and with the pairs `beside`."""
    runs = [(each, version) for each in ids for version in tools()[each].versions() if version not in without]
    return _runs([*runs, *beside])


def newest(*ids: str) -> pytest.MarkDecorator:
    return _runs(newest_of(*ids))


def newest_of(*ids: str) -> list[tuple[str, str]]:
    return [(each, tools()[each].versions()[0]) for each in ids]


def only(agent_id: str, *versions: str) -> pytest.MarkDecorator:
    return _runs([(agent_id, each) for each in tools()[agent_id].versions() if each in versions])


def _runs(runs: Sequence[tuple[str, str]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("client", runs, indirect=True, ids=lambda run: f"{run[0]} {run[1]}")


@dataclass(frozen=True, slots=True)
class Row:
    _record: Callable[[str, object], None]

    def client(self, name: str) -> None:
        self._record("client", name)

    def shown(self, fact: str) -> None:
        self._record("shown", fact)


def write_table(reporter: pytest.TerminalReporter) -> None:
    """Writes the table. Nothing where no row was asked for, or none collected."""
    if MARKER not in reporter.config.getoption("markexpr"):
        return
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
    for line in _versions(rows):
        reporter.line(line)
    of = Counter(outcome for outcome, _ in rows)
    not_run = f"{of['skipped']} SKIPPED, {of['error']} ERRORS"
    reporter.line(f"{of['passed'] + of['failed']} rows RAN, {not_run}. A row that did not run proves nothing.")


def _versions(rows: Sequence[tuple[str, pytest.TestReport]]) -> Iterator[str]:
    ran: dict[str, list[tuple[str, float]]] = {}
    for outcome, report in rows:
        if outcome in ("passed", "failed"):
            for name in set(_said(report, "client")):
                ran.setdefault(name, []).append((outcome, report.duration))
    width = max(map(len, ran), default=0)
    for name in sorted(ran):
        failed = sum(outcome == "failed" for outcome, _ in ran[name])
        seconds = sum(duration for _, duration in ran[name])
        yield f"VERSION  {name:{width}}  {len(ran[name]):4} rows  {failed:3} failed  {seconds:7.1f} s"


def _said(report: pytest.TestReport, kind: str) -> list[str]:
    return [str(value) for name, value in report.user_properties if name == kind]


def _lines(outcome: str, report: pytest.TestReport) -> list[str]:
    file, _, test = report.nodeid.removeprefix("lab/real_agents/").partition("::")
    name = f"{file.removesuffix('.py').replace('test_', '')}: {test.removeprefix('test_').replace('_', ' ')}"
    if outcome == "skipped":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        return [f"SKIPPED  {name}: {reason.removeprefix('Skipped: ')}"]
    if outcome == "error":  # what a row needs could not be set up, or be put away after it
        return [f"ERROR    {name}"]
    failed = ["FAILED"] if outcome == "failed" else []
    head = "  ".join([name, " -> ".join(_said(report, "client")), f"{report.duration:.1f} s", *failed])
    return [f"RAN      {head}", *(f"           {value}" for value in _said(report, "shown"))]
