"""Recognises test runs among shell commands and reads their results."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from carryover.distill.testruns.commands import find_invocations
from carryover.distill.testruns.compiled import read_cargo, read_go
from carryover.distill.testruns.javascript import read_jest, read_vitest
from carryover.distill.testruns.jvm import read_jvm
from carryover.distill.testruns.others import (
    read_bun,
    read_ctest,
    read_deno,
    read_dotnet,
    read_minitest,
    read_mocha,
    read_node,
    read_phpunit,
    read_playwright,
    read_rspec,
)
from carryover.distill.testruns.python import read_pytest, read_unittest
from carryover.distill.testruns.run import MOST_FILES, Findings, Status, TestRun
from carryover.distill.testruns.runners import Invocation

_READERS: dict[str, Callable[[Sequence[str]], Findings]] = {
    "pytest": read_pytest, "unittest": read_unittest, "jest": read_jest, "vitest": read_vitest, "go": read_go,
    "cargo": read_cargo, "jvm": read_jvm, "mocha": read_mocha, "node": read_node, "bun": read_bun,
    "rspec": read_rspec, "minitest": read_minitest, "phpunit": read_phpunit, "pest": read_phpunit,
    "dotnet": read_dotnet, "deno": read_deno, "ctest": read_ctest, "playwright": read_playwright,
}  # fmt: skip
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-_]")
_MOST_OUTPUT = 100_000
_LONGEST_LINE = 1000
_NEVER_STARTED = re.compile(r"command not found|No module named (?:pytest|unittest|tox|nox)\b|not recognized as an")
_NOT_A_VERDICT = {124, 126, 127, 130, 137, 143}
"""Exit codes of time-outs, missing commands and signals."""


def read_test_run(command: str, output: str, *, exit_code: int | None, failed: bool | None) -> TestRun | None:
    """Returns the test run made by `command`; None if it ran no tests.

    `exit_code` and `failed` are the agent's record of the whole command line, None if it has none. The output takes
    precedence: behind a pipe, or before another command, the exit code is not the tests'. If several runners ran, the
    result is the first failed one's. The output may lack its middle.
    """
    invocations = find_invocations(command)
    if not invocations:
        return None
    lines = _lines(output)
    code = exit_code if exit_code is not None else None if failed is None else int(failed)
    runs = [run for invocation in invocations for run in _runs(invocation, lines, code)]
    return next((run for run in runs if run.status == "fail"), runs[0] if runs else None)


def _lines(output: str) -> list[str]:
    if len(output) > _MOST_OUTPUT:
        output = f"{output[: _MOST_OUTPUT // 4]}\n{output[-_MOST_OUTPUT * 3 // 4 :]}"
    plain = _CONTROL.sub("", output).replace("\r\n", "\n").replace("\r", "\n")
    return [line[:_LONGEST_LINE] for line in plain.split("\n")]


def _runs(invocation: Invocation, lines: Sequence[str], code: int | None) -> list[TestRun]:
    names = [invocation.runner] if invocation.runner in _READERS else list(_READERS)
    read = [(name, _READERS[name](lines)) for name in names]
    spoken = [(name, found) for name, found in read if found.spoke]
    if not invocation.certain:
        spoken = [(name, found) for name, found in spoken if found.counted]
    elif not spoken:
        spoken = read if len(read) == 1 else [(invocation.runner or invocation.name, Findings())]
    return [_run(invocation, name, found, lines, code) for name, found in spoken]


def _run(invocation: Invocation, runner: str, found: Findings, lines: Sequence[str], code: int | None) -> TestRun:
    ordered = sorted(found.files.items(), key=lambda item: item[1] != "fail")
    status = _status(invocation, found, lines, code)
    return TestRun(
        runner=runner,
        status=status,
        passed=found.passed,
        failed=found.failed,
        errors=found.errors,
        skipped=found.skipped,
        failed_names=tuple(found.failed_names) if status == "fail" else (),
        files=dict(ordered[:MOST_FILES]),
        reason=found.reason if status == "fail" else None,
        paths=invocation.paths,
        selective=invocation.selective,
    )


def _status(invocation: Invocation, found: Findings, lines: Sequence[str], code: int | None) -> Status:
    """Returns the status by the output or, if that shows nothing, by an exit code that is certainly the tests'."""
    if found.bad:
        return "fail"
    if found.empty or found.interrupted or code in _NOT_A_VERDICT:
        return "unknown"
    if code == 0 and invocation.ends_well:
        return "pass"
    if code and invocation.ends_badly and not _mentions(lines, _NEVER_STARTED):
        return "unknown" if invocation.runner == "pytest" and code in (4, 5) else "fail"
    return "pass" if found.summary and (code is None or not invocation.ends_badly) else "unknown"


def _mentions(lines: Sequence[str], pattern: re.Pattern[str]) -> bool:
    return any(pattern.search(line) for line in lines)
