"""Parses the output of Maven Surefire and Failsafe (3.2, 2.x) and Gradle (8)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from carryover.distill.testruns.run import Findings

_SUREFIRE = re.compile(
    r"(?:\[\w+\] )?Tests run: (\d+), Failures: (\d+), Errors: (\d+), Skipped: (\d+)"
    r"(?:, Time elapsed: .*?(?:<<< (?:FAILURE|ERROR)! )?-+ in (\S+))?"
)
_SUREFIRE_TEST = re.compile(r"(?:\[ERROR\] )?(\S+) +(?:-- )?Time elapsed: .* <<< (?:FAILURE|ERROR)!$")
_SUREFIRE_SHORT = re.compile(r"\[ERROR\]   (\w+\.\S+?)(?::\d+(?:->\S+)?)? (.+)")
_COMPILER = re.compile(r"(?:\[ERROR\] )?(\S+\.(?:java|kt|scala|groovy)):(?:\[\d+,\d+\]|\d+:(?:\d+:)?) (?:error: )?(.+)")
_GRADLE_COUNT = re.compile(r"(\d+) tests? completed(?:, (\d+) failed)?(?:, (\d+) skipped)?")
_GRADLE_TEST = re.compile(r"(\S+) > (.+) (PASSED|FAILED|SKIPPED)$")


def read_jvm(lines: Sequence[str]) -> Findings:
    """Parses the output of JVM build tools. They print class names instead of files: `shop.CartTest`."""
    found = Findings()
    totals: list[tuple[int, int, int, int]] = []
    reason_follows = False
    for line in lines:
        if reason_follows and line.strip():
            found.because(line.partition(" at ")[0] if line.startswith("    ") else line)
            reason_follows = False
        if surefire := _SUREFIRE.match(line):
            ran, failed, errors, skipped = (int(number) for number in surefire.groups()[:4])
            if surefire[5] is None:
                totals.append((ran, failed, errors, skipped))
            elif ran > skipped:
                found.saw(surefire[5], "fail" if failed or errors else "pass")
        elif test := _SUREFIRE_TEST.match(line):
            found.failed_test(test[1])
            reason_follows = True
        elif test := _GRADLE_TEST.match(line):
            reason_follows = _see_gradle_test(found, test)
        else:
            _see_end(found, line)
    for ran, failed, errors, skipped in totals:
        found.summary = True
        found.add("failed", failed)
        found.add("errors", errors)
        found.add("skipped", skipped)
        found.add("passed", ran - failed - errors - skipped)
    if totals and not any(ran for ran, *_ in totals):
        found.empty = True
    return found


def _see_gradle_test(found: Findings, test: re.Match[str]) -> bool:
    if test[3] == "FAILED":
        found.failed_test(f"{test[1]} > {test[2]}")
    if test[3] != "SKIPPED":
        found.saw(test[1], "pass" if test[3] == "PASSED" else "fail")
    return test[3] == "FAILED"


def _see_end(found: Findings, line: str) -> None:
    if count := _GRADLE_COUNT.match(line):
        done, failed, skipped = (int(group or 0) for group in count.groups())
        found.summary = True
        found.add("failed", failed)
        found.add("skipped", skipped)
        found.add("passed", done - failed - skipped)
    elif line.startswith("[ERROR]   ") and (short := _SUREFIRE_SHORT.match(line)):
        found.because(short[2])
    elif "COMPILATION ERROR" in line or "Compilation failed" in line or line.startswith("> Compilation error"):
        found.broken = True
    elif compiler := _COMPILER.match(line):
        found.because(compiler[2])
    elif (
        "No tests matching pattern" in line
        or "No tests to run" in line
        or "No tests found for given" in line
        or re.fullmatch(r"> Task \S*[tT]est NO-SOURCE", line)
    ):
        found.empty = True
    elif line.startswith("BUILD SUCCESSFUL") and not found.empty:
        found.summary = True
