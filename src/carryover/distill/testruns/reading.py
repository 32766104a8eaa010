"""Recognises test runs among shell commands and reads their results."""

from __future__ import annotations

import re
from collections.abc import Sequence

from carryover.distill.testruns.commands import Invocation, find_invocations
from carryover.distill.testruns.output import Findings, read_output
from carryover.distill.testruns.run import Status, TestRun

_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-_]")
_MOST_OUTPUT = 100_000
_LONGEST_LINE = 1000
_MOST_FILES = 50
_NEVER_STARTED = re.compile(r"command not found|No module named (?:pytest|unittest|tox|nox)\b|not recognized as an")
_NOT_A_VERDICT = {4, 5, 124, 126, 127, 130, 137, 143}
"""Exit codes of time-outs, missing commands, signals, and pytest without a test to run."""


def read_test_run(command: str, output: str, *, exit_code: int | None, failed: bool | None) -> TestRun | None:
    """Returns the test run made by `command`; None if it ran no tests.

    `exit_code` and `failed` are the agent's record of the whole command line, None if it has none. The output takes
    precedence: behind a pipe, or before another command, the exit code is not the tests'. If several runners ran, their
    counts are added. The output may lack its middle.
    """
    invocations = find_invocations(command)
    if not invocations:
        return None
    lines = _lines(output)
    found = read_output(lines)
    certain = [each for each in invocations if each.certain]
    if not certain and not found.counted:
        return None
    runs = certain or invocations
    code = exit_code if exit_code is not None else None if failed is None else int(failed)
    status = _status(runs, found, lines, code)
    ordered = sorted(found.files.items(), key=lambda item: item[1] != "fail")
    return TestRun(
        status=status,
        passed=found.counts.get("passed") or None,
        failed=found.counts.get("failed") or None,
        errors=found.counts.get("errors") or None,
        skipped=found.counts.get("skipped") or None,
        failed_names=tuple(found.failed_names) if status == "fail" else (),
        files=dict(ordered[:_MOST_FILES]),
        reason=found.reason if status == "fail" else None,
        paths=tuple(path for run in runs for path in run.paths) if all(run.paths for run in runs) else (),
        selective=any(run.selective for run in runs),
    )


def _lines(output: str) -> list[str]:
    if len(output) > _MOST_OUTPUT:
        output = f"{output[: _MOST_OUTPUT // 4]}\n{output[-_MOST_OUTPUT * 3 // 4 :]}"
    plain = _CONTROL.sub("", output).replace("\r\n", "\n").replace("\r", "\n")
    return [line[:_LONGEST_LINE] for line in plain.split("\n")]


def _status(runs: Sequence[Invocation], found: Findings, lines: Sequence[str], code: int | None) -> Status:
    """Returns the status by the output or, if that shows nothing, by an exit code that is certainly the tests'."""
    if found.bad:
        return "fail"
    if found.empty or found.interrupted or code in _NOT_A_VERDICT:
        return "unknown"
    ends_badly = any(run.ends_badly for run in runs)
    if code == 0 and all(run.ends_well for run in runs):
        return "pass"
    if code and ends_badly and not any(_NEVER_STARTED.search(line) for line in lines):
        return "fail"
    return "pass" if found.ended and (code is None or not ends_badly) else "unknown"
