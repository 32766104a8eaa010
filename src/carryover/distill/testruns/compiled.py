"""Parses the output of `go test` (1.19 to 1.24) and `cargo test` (1.95), also of gotestsum and cargo-nextest."""

from __future__ import annotations

import re
from collections.abc import Sequence

from carryover.distill.testruns.run import Findings

_GO_PACKAGE = re.compile(r"(ok|FAIL|\?)\s+(\S+)(?:\s+(\(cached\)|[\d.]+s|\[.+?\]))(.*)$")
_GO_TEST = re.compile(r"( *)--- (PASS|FAIL|SKIP): (\S+)")
_GO_LOG = re.compile(r" +(\S+_test\.go):\d+: (.*)")
_GO_COMPILER = re.compile(r"(?:\./)?(\S+\.go):\d+(?::\d+)?: (.+)")
_GOTESTSUM = re.compile(
    r"DONE (\d+) tests?(?:, (\d+) skipped)?(?:, (\d+) failures?)?(?:, (\d+) errors?)?(?: in [\d.]+s)?$"
)


def read_go(lines: Sequence[str]) -> Findings:
    """Parses the output of `go test`. Without `-v` it doesn't count passed tests, so `passed` stays None."""
    found = Findings()
    packages = [package for line in lines if (package := _GO_PACKAGE.match(line))]
    for package in packages:
        _add_go_package(found, package)
    verbose = any(line.startswith("=== RUN") for line in lines)
    log = ""
    for line in lines:
        if line.startswith("=== RUN"):
            log = ""
        elif test := _GO_TEST.match(line):
            _add_go_test(found, test)
            found.because(log if test[2] == "FAIL" else "")
        elif said := _GO_LOG.match(line):
            log = log or said[2] if verbose else ""  # with -v a test's log comes before its result
            found.because(said[2] if found.failed_names and not verbose else "")
        elif line.startswith("panic: "):
            found.because(line)
        elif compiler := _GO_COMPILER.match(line):
            found.because(compiler[2])
        elif total := _GOTESTSUM.match(line):
            _set_gotestsum(found, total)
    found.empty = found.empty or (bool(packages) and not found.files)
    if "fail" in found.files.values() and not found.broken and not found.failed:
        found.add("failed", 1)  # a panic or os.Exit leaves only the package's line
    return found


def _add_go_package(found: Findings, package: re.Match[str]) -> None:
    note = f"{package[3]}{package[4]}"
    found.summary = True
    if package[1] != "?" and "[no tests to run]" not in note:
        found.saw(package[2], "pass" if package[1] == "ok" else "fail")
    if "[build failed]" in note or "[setup failed]" in note:
        found.broken = True


def _add_go_test(found: Findings, test: re.Match[str]) -> None:
    if test[2] == "FAIL":
        found.failed_test(test[3])
    if test[1]:
        return  # a subtest: its parent is counted
    if test[2] == "PASS":
        found.add("passed", 1)
    elif test[2] == "FAIL":
        found.add("failed", 1)
    else:
        found.add("skipped", 1)


def _set_gotestsum(found: Findings, total: re.Match[str]) -> None:
    tests, skipped, failed, errors = (int(group or 0) for group in total.groups())
    found.summary = True
    found.failed, found.errors, found.skipped = failed, errors, skipped
    found.passed = max(0, tests - failed - skipped)
    found.empty = tests == 0


_CARGO_RESULT = re.compile(r"test result: (ok|FAILED)\. (\d+) passed; (\d+) failed; (\d+) ignored")
_CARGO_RUNNING = re.compile(r" +(?:Running (?:unittests )?(\S+\.rs) \(|Doc-tests )")
_CARGO_TEST = re.compile(r"(?:test )?(\S+)(?: - should panic)? (?:\.\.\.|---) FAILED$")
_CARGO_PANIC = re.compile(r"thread '.*' (?:\(\d+\) )?panicked at (?:'(.+)', )?\S+:\d+(?::\d+)?:?$")
_CARGO_SIDES = re.compile(r" +(left|right): (.+)")
_CARGO_ERROR = re.compile(r"error(?:\[E\d+\])?: (.+)")
_NEXTEST = re.compile(
    r" +Summary \[.*\] +(\d+) tests? run: (\d+) passed(?: \(.*?\))?(?:, (\d+) failed)?(?:, (\d+) skipped)?"
)
_NEXTEST_FAIL = re.compile(r" +FAIL \[.*\] (?:\(.*\) )?(\S+ \S+)$")


def read_cargo(lines: Sequence[str]) -> Findings:
    """Parses the output of `cargo test`, adding up the results of its test binaries. A run without any test does not
    count as passed."""
    found = Findings()
    file = ""
    panicked = False
    for line in lines:
        if running := _CARGO_RUNNING.match(line):
            file = running[1] or ""
        elif result := _CARGO_RESULT.match(line):
            _add_cargo_result(found, result, file)
        elif failed := _CARGO_TEST.match(line):
            found.failed_test(failed[1])
        elif panic := _CARGO_PANIC.match(line):
            found.because(panic[1] or "")
            panicked = True
        elif panicked:
            found.because(line)
            panicked = False
        elif (side := _CARGO_SIDES.match(line)) and found.reason and len(found.reason) < 120:
            if f"{side[1]}: " not in found.reason:
                found.reason = f"{found.reason}, {side[1]}: {side[2]}"[:200]
        elif summary := _NEXTEST.match(line):
            _set_nextest(found, summary)
        elif failed := _NEXTEST_FAIL.match(line):
            found.failed_test(failed[1])
        elif line.startswith("error"):
            _see_compiler(found, line)
    found.empty = found.summary and not (found.passed or found.failed)
    return found


def _add_cargo_result(found: Findings, result: re.Match[str], file: str) -> None:
    passed, failed, ignored = (int(number) for number in result.groups()[1:])
    found.summary = True
    found.add("passed", passed)
    found.add("failed", failed)
    found.add("skipped", ignored)
    if file and (passed or failed):
        found.saw(file, "fail" if result[1] == "FAILED" else "pass")


def _set_nextest(found: Findings, summary: re.Match[str]) -> None:
    found.summary = True
    found.passed, found.failed, found.skipped = (int(group or 0) for group in summary.groups()[1:])


def _see_compiler(found: Findings, line: str) -> None:
    if "could not compile" in line:
        found.broken = True
    elif (error := _CARGO_ERROR.match(line)) and not found.summary:
        found.because(error[1])
