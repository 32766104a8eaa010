"""Parses the output of pytest (9.2, 8, 7) and unittest (Python 3.8 to 3.13; Django's runner prints the same)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from carryover.distill.testruns.run import Findings
from carryover.distill.testruns.runners import module_path

_PYTEST_SUMMARY = re.compile(r"=* ?((?:no tests ran|\d+ \w+)(?:, \d+ \w+)*) in \d[\d.:]*s?(?: \([\d:]+\))? ?=*$")
_PYTEST_COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)")
_PYTEST_VERBOSE = re.compile(
    r"(?:\[gw\d+\] \[ *\d+%\] (?P<early>[A-Z]+) )?(?P<file>\S+?\.py)::(?P<name>.+?)(?: (?P<late>[A-Z]+)\b.*)?$"
)
_PYTEST_DOTS = re.compile(r"(\S+\.py) ([.FEsxXR]+) *(?:\[ *\d+%\])?$")
_PYTEST_SHORT = re.compile(r"(FAILED|ERROR) (?P<file>\S+?\.py)(?:::(?P<name>.+?))?(?: - (?P<reason>.+))?$")
_PYTEST_COLLECTING = re.compile(r"_+ ERROR collecting (\S+) _+$")
_PYTEST_REASON = re.compile(r"E {2,}(\S.*)")
_PYTEST_BROKEN = re.compile(r"!+ Interrupted: \d+ errors? during collection|ImportError while loading conftest")
_OUTCOMES: dict[str, Literal["pass", "fail"]] = {
    "PASSED": "pass", "XFAIL": "pass", "XPASS": "pass", "FAILED": "fail", "ERROR": "fail",
}  # fmt: skip


def read_pytest(lines: Sequence[str]) -> Findings:
    """Parses pytest's output, in any verbosity; `-n` (xdist) prints the outcome before the name."""
    found = Findings()
    summaries = set()
    xfailed = 0
    for line in lines:
        if summary := _PYTEST_SUMMARY.match(line):
            if line not in summaries:  # `| tee log; tail log` shows it twice
                summaries.add(line)
                xfailed += _add_pytest_counts(found, summary[1])
        elif line.startswith(("FAILED ", "ERROR ")) and (short := _PYTEST_SHORT.match(line)):
            found.saw(short["file"], "fail")
            found.failed_test(f"{short['file']}::{short['name']}" if short["name"] else short["file"])
            if short["reason"] and found.reason is None:
                found.because(short["reason"])
        elif ".py" in line:
            _see_pytest_file(found, line)
        elif reason := _PYTEST_REASON.match(line):
            found.because(reason[1])
        elif "KeyboardInterrupt !!" in line or line.startswith("INTERNALERROR>"):
            found.interrupted = True
        if "nterrupted: " in line or "conftest" in line:
            found.broken = found.broken or _PYTEST_BROKEN.search(line) is not None
    found.summary = bool(summaries)
    found.empty = found.summary and not (found.passed or found.failed or found.errors or xfailed)
    return found


def _add_pytest_counts(found: Findings, text: str) -> int:
    xfailed = 0
    for number, what in _PYTEST_COUNT.findall(text):
        if what in ("xfailed", "xpassed"):
            xfailed += int(number)
        else:
            found.add("errors" if what.startswith("error") else what, int(number))
    return xfailed


def _see_pytest_file(found: Findings, line: str) -> None:
    if dots := _PYTEST_DOTS.match(line):
        if set(dots[2]) - {"s"}:
            found.saw(dots[1], "fail" if set(dots[2]) & {"F", "E"} else "pass")
    elif collecting := _PYTEST_COLLECTING.match(line):
        found.saw(collecting[1], "fail")
    elif verbose := _PYTEST_VERBOSE.match(line):
        outcome = _OUTCOMES.get(verbose["early"] or verbose["late"] or "")
        if outcome:
            found.saw(verbose["file"], outcome)
        if outcome == "fail":
            found.failed_test(f"{verbose['file']}::{verbose['name']}")


_RAN = re.compile(r"Ran (\d+) tests? in ")
_UNITTEST_END = re.compile(r"(OK|FAILED|NO TESTS RAN)(?: \((.*)\))?$")
_UNITTEST_COUNT = re.compile(r"(failures|errors|skipped|expected failures)=(\d+)")
_UNITTEST_BLOCK = re.compile(r"(?:FAIL|ERROR): (\S+) \(([\w.<>]+)\)")
_UNITTEST_VERBOSE = re.compile(r"\w+ \(([\w.]+)\)(?:.*)? \.\.\. (ok|FAIL|ERROR)$")
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(?:: .*)?$")


def read_unittest(lines: Sequence[str]) -> Findings:
    """Parses the output of `python -m unittest`, with `-v` or without."""
    found = Findings()
    ran: int | None = None
    in_traceback = False
    for line in lines:
        if block := _UNITTEST_BLOCK.match(line):
            found.failed_test(f"{block[1]} ({block[2]})")
            _see_module(found, block[2], "fail")
        elif verbose := _UNITTEST_VERBOSE.match(line):
            _see_module(found, verbose[1], "pass" if verbose[2] == "ok" else "fail")
        elif total := _RAN.match(line):
            ran = (ran or 0) + int(total[1])
        elif ran is not None and (end := _UNITTEST_END.match(line)):
            _add_unittest_counts(found, ran, end[2] or "")
            found.summary = True
            found.empty = found.empty or ran == 0
            ran = None
        elif line.startswith("Traceback (most recent"):
            in_traceback = True
        elif in_traceback and _EXCEPTION.match(line):
            found.because(line)
            in_traceback = False
    return found


def _see_module(found: Findings, name: str, outcome: Literal["pass", "fail"]) -> None:
    path = module_path(name)
    if path and not name.startswith("unittest.loader"):
        found.saw(path, outcome)


def _add_unittest_counts(found: Findings, ran: int, text: str) -> None:
    counts = {what: int(number) for what, number in _UNITTEST_COUNT.findall(text)}
    found.add("failed", counts.get("failures", 0))
    found.add("errors", counts.get("errors", 0))
    found.add("skipped", counts.get("skipped", 0))
    found.add("passed", max(0, ran - sum(counts.values())))
