"""Output of jest (29), vitest (2, 3), mocha (10), `node --test` (20) and `bun test` (1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from carryover.distill.testruns.run import Findings

_SOURCE = r"\S+\.[cm]?[jt]sx?|\S+\.(?:vue|svelte)"
_JEST_FILE = re.compile(rf"\s*(PASS|FAIL) +(?:.+ )?({_SOURCE})(?: \([\d.]+ m?s\))?$")
_JEST_TESTS = re.compile(r"Tests: +(.*\d+ total)")
_JEST_COUNT = re.compile(r"(\d+) (passed|failed|skipped|todo)")
_JEST_BLOCK = re.compile(r" *● (.+)")
_EXPECTED = re.compile(r" +(Expected|Received)[^:]*: +(.+)")


def read_jest(lines: Sequence[str]) -> Findings:
    """What jest said. A suite that could not be loaded counts as an error: its tests are not among the failed."""
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
_VITEST_FILE = re.compile(rf" +([✓❯×✗]) (?:\|[^|]+\| )?({_SOURCE})(?: \(\d+ tests?\b| > |$)")
_VITEST_FAIL = re.compile(rf" *FAIL +(?:\|[^|]+\| )?({_SOURCE})(?: > (.+)| \[.*\])?$")


def read_vitest(lines: Sequence[str]) -> Findings:
    """What vitest said. A file that could not be loaded counts as an error, beside the failed tests."""
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


_MOCHA_COUNT = re.compile(r" {2}(\d+) (passing|pending|failing)\b")
_MOCHA_WORDS: dict[str, Literal["passed", "skipped", "failed"]] = {
    "passing": "passed", "pending": "skipped", "failing": "failed",
}  # fmt: skip
_MOCHA_HEADING = re.compile(r" {2,}\d+\) (.+?):?$")
_MOCHA_PLACE = re.compile(rf" +at (?:Context|Suite)\.<anonymous> \((?:file://)?({_SOURCE}):\d+:\d+\)")
_ERROR_LINE = re.compile(r" +(\w*Error\b.*)")


def read_mocha(lines: Sequence[str]) -> Findings:
    """What mocha's `spec` and `dot` reporters said. Only the place of a failure names a file."""
    found = Findings()
    for line in lines:
        if count := _MOCHA_COUNT.match(line):
            found.add(_MOCHA_WORDS[count[2]], int(count[1]))
            found.summary = True
        elif not found.summary:
            if heading := _MOCHA_HEADING.match(line):  # in the list of tests; in the report the title spans lines
                found.failed_test(heading[1])
        elif place := _MOCHA_PLACE.match(line):
            found.saw(place[1], "fail")
        elif error := _ERROR_LINE.match(line):
            found.because(error[1])
    found.empty = found.summary and not (found.passed or found.failed)
    return found


_NODE_COUNT = re.compile(r"(?:#|ℹ) (tests|pass|fail|cancelled|skipped) (\d+)$")
_NODE_WORDS: dict[str, Literal["passed", "failed", "skipped"]] = {
    "pass": "passed", "fail": "failed", "cancelled": "failed", "skipped": "skipped",
}  # fmt: skip
_NODE_FAILED = re.compile(r"\s*(?:not ok \d+ - (.+?)|✖ (.+?) \([\d.]+ms\))$")
_NODE_PLACE = re.compile(rf"(?:test at |\s+location: ')({_SOURCE}):\d+:\d+")
_NODE_REASON = re.compile(r" +(?:error: '(.*)'|(\w*Error\b.*))$")


def read_node(lines: Sequence[str]) -> Findings:
    """What `node --test` said, as TAP or with the `spec` reporter."""
    found = Findings()
    for line in lines:
        if count := _NODE_COUNT.match(line):
            found.summary = True
            if count[1] == "tests":
                found.empty = count[2] == "0"
            else:
                found.add(_NODE_WORDS[count[1]], int(count[2]))
        elif failed := _NODE_FAILED.match(line):
            found.failed_test(failed[1] or failed[2])
        elif place := _NODE_PLACE.match(line):
            found.saw(place[1], "fail")
        elif reason := _NODE_REASON.match(line):
            found.because(reason[1] or reason[2])
    return found


_BUN_COUNT = re.compile(r" *(\d+) (pass|fail|skip|todo)$")
_BUN_FILE = re.compile(rf"({_SOURCE}):$")
_BUN_RESULT = re.compile(r"(?:\((pass|fail)\)|(✓|✗)) (.+?)(?: \[[\d.]+ms\])?$")
_BUN_ERROR = re.compile(r"error: (.+)")
_BUN_WORDS: dict[str, Literal["passed", "failed", "skipped"]] = {
    "pass": "passed", "fail": "failed", "skip": "skipped", "todo": "skipped",
}  # fmt: skip


def read_bun(lines: Sequence[str]) -> Findings:
    """What `bun test` said (1.x, from its documentation): a heading per file, then one line per test."""
    found = Findings()
    file = ""
    for line in lines:
        if heading := _BUN_FILE.match(line):
            file = heading[1]
        elif result := _BUN_RESULT.match(line):
            failed = result[1] == "fail" or result[2] == "✗"
            if file:
                found.saw(file, "fail" if failed else "pass")
            if failed:
                found.failed_test(result[3])
        elif count := _BUN_COUNT.match(line):
            found.add(_BUN_WORDS[count[2]], int(count[1]))
            found.summary = True
        elif error := _BUN_ERROR.match(line):
            found.because(error[1])
    return found
