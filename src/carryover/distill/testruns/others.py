"""Output of runners whose last line says all that is needed. The forms are from their documentation."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

from carryover.distill.testruns.run import Findings

_Count = Literal["passed", "failed", "errors", "skipped"]
_COUNTS: tuple[_Count, ...] = ("passed", "failed", "errors", "skipped")


def _reader(summary: str, failed_test: str = r"(?!)", file: str = r"(?!)") -> Callable[[Sequence[str]], Findings]:
    """A reader of one summary line with groups named after the counts; `total` is for those that hide what passed."""
    summary_line = re.compile(summary)
    test_line = re.compile(failed_test)
    file_line = re.compile(file)

    def read(lines: Sequence[str]) -> Findings:
        found = Findings()
        for line in lines:
            if match := summary_line.match(line):
                found.summary = True
                _add(found, match.groupdict())
            if test := test_line.match(line):
                found.failed_test(test[1])
            if named := file_line.match(line):
                found.saw(named[1], "fail")
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
