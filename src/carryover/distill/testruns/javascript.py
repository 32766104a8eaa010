"""Parses the output of jest (29) and vitest (2, 3)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from carryover.distill.testruns.run import Findings

JS_SOURCE = r"\S+\.[cm]?[jt]sx?|\S+\.(?:vue|svelte)"
_JEST_FILE = re.compile(rf"\s*(PASS|FAIL) +(?:.+ )?({JS_SOURCE})(?: \([\d.]+ m?s\))?$")
_JEST_TESTS = re.compile(r"Tests: +(.*\d+ total)")
_JEST_COUNT = re.compile(r"(\d+) (passed|failed|skipped|todo)")
_JEST_BLOCK = re.compile(r" *● (.+)")
_EXPECTED = re.compile(r" +(Expected|Received)[^:]*: +(.+)")


def read_jest(lines: Sequence[str]) -> Findings:
    """Parses the output of jest. A suite that could not be loaded counts as an error, since its tests are not among the
    failed."""
    found = Findings()
    block = ""
    expected = ""
    for line in lines:
        if file := _JEST_FILE.match(line):
            found.saw(file[2], "pass" if file[1] == "PASS" else "fail")
        elif tests := _JEST_TESTS.match(line):
            _add_words(found, _JEST_COUNT, tests[1])
            found.summary = True
        elif heading := _JEST_BLOCK.match(line):
            block = heading[1].strip()
            if block == "Test suite failed to run":
                found.add("errors", 1)
            elif " › " in block or not block.startswith(("Console", "Deprecation")):
                found.failed_test(block)
        elif value := _EXPECTED.match(line):
            expected = f"{expected}, {value[1]}: {value[2]}" if expected else f"{value[1]}: {value[2]}"
            if value[1] == "Received":
                found.because(expected)
        elif block and line.strip() and not line.lstrip().startswith("expect(") and not expected:
            found.because(line)
        elif line.startswith("No tests found"):
            found.empty = True
    return found


_VITEST_FILES = re.compile(r" *Test Files +(.+)$")
_VITEST_TESTS = re.compile(r" +Tests +(.+)$")
_VITEST_COUNT = re.compile(r"(\d+) (passed|failed|skipped|todo)")
_VITEST_FILE = re.compile(rf" +([✓❯×✗]) (?:\|[^|]+\| )?({JS_SOURCE})(?: \(\d+ tests?\b| > |$)")
_VITEST_FAIL = re.compile(rf" *FAIL +(?:\|[^|]+\| )?({JS_SOURCE})(?: > (.+)| \[.*\])?$")


def read_vitest(lines: Sequence[str]) -> Findings:
    """Parses the output of vitest. A file that could not be loaded counts as an error, in addition to failed tests."""
    found = Findings()
    after_heading = False
    for line in lines:
        if failed := _VITEST_FAIL.match(line):
            found.saw(failed[1], "fail")
            if failed[2]:
                found.failed_test(f"{failed[1]} > {failed[2]}")
            after_heading = True
        elif file := _VITEST_FILE.match(line):
            found.saw(file[2], "pass" if file[1] == "✓" else "fail")
        elif tests := _VITEST_TESTS.match(line):
            _add_words(found, _VITEST_COUNT, tests[1])
            found.summary = True
        elif line.startswith("No test files found"):
            found.empty = True
        elif suites := re.match(r"⎯+ Failed Suites (\d+) ⎯+", line):
            found.add("errors", int(suites[1]))
        elif after_heading and line.strip():
            found.because(line)
            after_heading = False
    if any("no tests" in line for line in lines if _VITEST_FILES.match(line)):
        found.empty = not found.errors
    return found


def _add_words(found: Findings, pattern: re.Pattern[str], text: str) -> None:
    for number, word in pattern.findall(text):
        found.add("skipped" if word == "todo" else word, int(number))
