"""Parses the output of runners for which single lines are enough.

The forms are from real runs of mocha (10) and `node --test` (20), and from the documentation of the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

from carryover.distill.testruns.javascript import JS_SOURCE
from carryover.distill.testruns.run import Findings

_Count = Literal["passed", "failed", "errors", "skipped"]
_COUNTS: tuple[_Count, ...] = ("passed", "failed", "errors", "skipped")


def _reader(
    summary: str, failed_test: str = r"(?!)", file: str = r"(?!)", reason: str = r"(?!)"
) -> Callable[[Sequence[str]], Findings]:
    """Returns a parser for summary lines. The groups are named after the counts; `total` is for runners that hide
    passed tests."""
    patterns = [re.compile(pattern) for pattern in (summary, failed_test, file, reason)]

    def read(lines: Sequence[str]) -> Findings:
        found = Findings()
        for line in lines:
            counts, test, named, why = (pattern.match(line) for pattern in patterns)
            if counts:
                found.summary = True
                _add(found, counts.groupdict())
            if test:
                found.failed_test(next(filter(None, test.groups())))
            if named:
                found.saw(named[1], "fail")
            if why:
                found.because(next(filter(None, why.groups())))
        found.empty = found.summary and not (found.passed or found.failed or found.errors)
        return found

    return read


def _add(found: Findings, groups: dict[str, str | None]) -> None:
    counts = {name: int(number) for name, number in groups.items() if number is not None}
    if "total" in counts:
        bad = sum(counts.get(name, 0) for name in ("failed", "errors", "skipped"))
        counts.setdefault("passed", max(0, counts["total"] - bad))
    for name in _COUNTS:
        if name in counts:
            found.add(name, counts[name])


read_rspec = _reader(
    r"(?P<total>\d+) examples?, (?P<failed>\d+) failures?(?:, (?P<skipped>\d+) pending)?",
    failed_test=r"rspec \S+ # (.+)",
    file=r"rspec (?:\./)?(\S+?\.rb)[:\[]",
)
read_minitest = _reader(
    r"(?P<total>\d+) (?:runs|tests), \d+ assertions, (?P<failed>\d+) failures, (?P<errors>\d+) errors,"
    r" (?P<skipped>\d+) (?:skips|pendings)",
    failed_test=r"(?: +\d+\) )?(?:Failure|Error):\s*(\S.*)",
)
read_phpunit = _reader(
    r"(?:OK(?:, but.*)? \((?P<passed>\d+) tests?, |Tests: (?P<total>\d+), Assertions: \d+"
    r"(?:, Errors: (?P<errors>\d+))?(?:, Failures: (?P<failed>\d+))?.*?(?:, Skipped: (?P<skipped>\d+))?)",
    failed_test=r"\d+\) (\S+::\S+)",
)
read_dotnet = _reader(
    r"(?:Passed|Failed)! +- Failed: +(?P<failed>\d+), Passed: +(?P<passed>\d+), Skipped: +(?P<skipped>\d+)",
    failed_test=r" +Failed (\S.*?) \[",
)
read_deno = _reader(
    r"(?:ok|FAILED) \| (?P<passed>\d+) passed(?: \(\d+ steps?\))? \| (?P<failed>\d+) failed"
    r"(?: \(\d+ steps?\))?(?: \| (?P<skipped>\d+) ignored)?",
    failed_test=r"(\S.*?) => \S+:\d+:\d+$",
    file=r".* => \./(\S+):\d+:\d+$",
)
read_ctest = _reader(
    r"\d+% tests passed, (?P<failed>\d+) tests? failed out of (?P<total>\d+)",
    failed_test=r"\s+\d+ - (\S+) \((?:Failed|Timeout|SEGFAULT|Not Run)\)",
)
read_playwright = _reader(
    r" {2}(?:(?P<failed>\d+) failed|(?P<passed>\d+) passed|(?P<skipped>\d+) (?:skipped|did not run|flaky))\b",
    failed_test=r" {4}(\[.+?\] › .+?) ─*$",
    file=r" {4}\[.+?\] › (\S+?):\d+:\d+ › ",
)
read_mocha = _reader(
    r"  (?:(?P<passed>\d+) passing|(?P<skipped>\d+) pending|(?P<failed>\d+) failing)\b",
    failed_test=r" {4,}\d+\) (.+?):?$",
    file=rf" +at (?:Context|Suite)\.<anonymous> \((?:file://)?({JS_SOURCE}):\d+:\d+\)",
    reason=r" +(\w*Error\b.*)",
)
read_node = _reader(
    r"(?:#|ℹ) (?:pass (?P<passed>\d+)|fail (?P<failed>\d+)|cancelled (?P<errors>\d+)|skipped (?P<skipped>\d+))$",
    failed_test=r"\s*(?:not ok \d+ - (.+?)|✖ (.+?) \([\d.]+ms\))$",
    file=rf"(?:test at |\s+location: ')({JS_SOURCE}):\d+:\d+",
    reason=r" +(?:error: '(.*)'|(\w*Error\b.*))$",
)
read_bun = _reader(
    r" *(?:(?P<passed>\d+) pass|(?P<failed>\d+) fail|(?P<skipped>\d+) (?:skip|todo))$",
    failed_test=r"(?:\(fail\)|✗) (.+?)(?: \[[\d.]+ms\])?$",
    reason=r"error: (.+)",
)
